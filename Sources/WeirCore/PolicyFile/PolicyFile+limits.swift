/// What a limit may refer to.
struct LimitNames {
    let products: [String]
    let aliases: [(alias: String, product: String)]
    let classes: [String]
    let resources: [String]
    let hasLadder: Bool
}

extension PolicyFile {
    private static let limitFields = [
        "id", "per", "unit", "window", "period", "amount", "groups", "group_rule", "class", "classes", "product",
        "products", "model", "models", "resource", "enforce", "downgrade_at",
        "reserve", "clamp",
    ]
    private static let longestWindowMs = 31 * UTCDay.lengthMs

    /// The limits without an error, each with its value for later reports.
    static func readLimits(_ value: PolicyValue, _ names: LimitNames) -> [(limit: Limit, value: PolicyValue)] {
        var limits: [(Limit, PolicyValue)] = []
        var places: [String: Int] = [:]
        for (index, element) in (value.elements() ?? []).enumerated() {
            let required = ["id", "per", "unit", "amount"]
            guard let fields = element.fields(of: "a limit", known: limitFields, required: required) else { continue }
            let id = fields["id"].flatMap { $0.identifier("a limit's id") }
            if let id {
                if let first = places[id] {
                    fields["id"]?.report("\(id) is already the id of limits[\(first)]", "give each limit its own id")
                }
                places[id] = places[id] ?? index
            }
            if let limit = readLimit(element, fields, names, id: id) { limits.append((limit, element)) }
        }
        return limits
    }

    private static func readLimit(
        _ value: PolicyValue, _ fields: [String: PolicyValue], _ names: LimitNames, id: String?
    ) -> Limit? {
        let per = fields["per"].flatMap { $0.choice(Limit.Per.self) }
        let unit = fields["unit"].flatMap { $0.choice(Limit.Unit.self) }
        let enforce = fields["enforce"].map { $0.choice(Limit.Enforcement.self) } ?? .reserve
        let span = unit.flatMap { readSpan(value, fields, $0) }
        let match = readMatch(fields, names)
        // Without a unit there is no telling how an amount is written.
        let amount = unit.flatMap { unit in fields["amount"].flatMap { readAmount($0, unit) } }
        let groups = unit.flatMap { readGroups(fields, $0, per) }
        let groupRule = fields["group_rule"].map { $0.choice(Limit.GroupRule.self) } ?? .min
        let downgradeAt = fields["downgrade_at"].flatMap { $0.share() }
        let reserve = fields["reserve"].map { $0.choice(Limit.Reserve.self) } ?? .full
        let clamp = fields["clamp"].map { $0.flag() } ?? false
        guard let id, let per, let unit, let enforce, let span, let amount, let groups, let groupRule, let reserve,
            let clamp
        else {
            return nil
        }
        let limit = Limit(
            id: id, per: per, unit: unit, span: span, match: match, amount: amount, groupAmounts: groups,
            groupRule: groupRule, enforce: enforce, downgradeAt: downgradeAt, reserve: reserve, clamp: clamp)
        checkEnforcement(limit, value, fields)
        checkDowngrade(limit, fields, hasLadder: names.hasLadder)
        checkReservation(limit, fields)
        return limit
    }

    /// An amount as its unit counts: dollars as micro-dollars, all else as it is.
    private static func readAmount(_ value: PolicyValue, _ unit: Limit.Unit) -> Int? {
        switch unit {
        case .usd: value.money()?.micros
        case .requests, .tokens, .concurrency: value.wholeNumber()
        }
    }

    private static func readSpan(_ value: PolicyValue, _ fields: [String: PolicyValue], _ unit: Limit.Unit)
        -> Limit.Span?
    {
        let window = fields["window"]
        let period = fields["period"]
        if unit == .concurrency {
            guard let field = window ?? period else { return .inFlight }
            field.report("calls at once have no span", "leave window and period out")
            return nil
        }
        switch (window, period) {
        case (let window?, let period?):
            let later = window.begins(after: period) ? window : period
            later.report("a limit has a window or a period, not both", "leave one of them out")
            return nil
        case (nil, nil):
            value.report("has neither window nor period", "give window: 60s, or period: day, week or month")
            return nil
        case (nil, let period?): return period.choice(Period.self).map(Limit.Span.period)
        case (let window?, nil):
            guard let ms = window.durationMs() else { return nil }
            guard ms >= 1000, ms <= longestWindowMs else {
                window.report(
                    "a window of \(ms) ms does not work",
                    "use 1s to 31d: 10s, 60s, 5m, 1h")
                return nil
            }
            return .window(ms: ms)
        }
    }

    private static func readMatch(_ fields: [String: PolicyValue], _ names: LimitNames) -> Limit.Match {
        /// One of a field for one name and a field for several.
        func either(
            _ one: String, _ several: String, _ single: (PolicyValue) -> String?, _ list: (PolicyValue) -> [String]?
        )
            -> [String]
        {
            if let value = fields[several] {
                if fields[one] != nil { value.report("\(one) and \(several) are both given", "use \(several) alone") }
                return list(value) ?? []
            }
            guard let value = fields[one] else { return [] }
            return single(value).map { [$0] } ?? []
        }
        let products = names.products + names.aliases.map(\.alias)
        let match = Limit.Match(
            products: either(
                "product", "products", { $0.name(of: "product", among: products) },
                { $0.names(of: "product", among: products) }
            ).map { name in names.aliases.first { $0.alias == name }?.product ?? name },
            classes: either(
                "class", "classes", { $0.name(of: "class", among: names.classes) },
                { $0.names(of: "class", among: names.classes) }),
            models: either("model", "models", { $0.word("a model") }, { $0.words("a model") }),
            resource: fields["resource"].flatMap { $0.name(of: "resource", among: names.resources) })
        return match
    }

    private static func readGroups(_ fields: [String: PolicyValue], _ unit: Limit.Unit, _ per: Limit.Per?)
        -> [String: Int]?
    {
        if let per, per != .user, per != .group {
            for name in ["groups", "group_rule"] {
                fields[name]?.report("a limit per \(per.rawValue) has no groups", "use per: user, or leave \(name) out")
            }
        }
        guard let value = fields["groups"] else {
            fields["group_rule"]?.report("there are no groups", "give groups: { name: amount }, or leave it out")
            return [:]
        }
        guard let entries = value.entries(of: "groups") else { return nil }
        var amounts: [String: Int] = [:]
        for entry in entries {
            if !Subject.isValidID(entry.name) {
                value.reading.report(
                    entry.place, entry.value.path, "\(quoted(entry.name)) cannot be a group",
                    "use 1 to 128 of A-Z, a-z, 0-9, . _ @ : and -")
            }
            if let amount = readAmount(entry.value, unit) { amounts[entry.name] = amount }
        }
        return amounts
    }
}
