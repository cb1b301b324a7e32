extension Limit {
    /// Whether the limit covers the call at all: every field of its match that is set must fit.
    public func covers(_ call: Call) -> Bool { covers(call, on: call.model) }

    /// As ``covers(_:)``, if this model served the call.
    public func covers(_ call: Call, on model: String) -> Bool {
        if !match.products.isEmpty, !match.products.contains(call.product) { return false }
        if !match.classes.isEmpty, !match.classes.contains(call.callClass) { return false }
        if !match.models.isEmpty, !match.models.contains(model) { return false }
        if let resource = match.resource, !call.billable || call.resource != resource { return false }
        return true
    }

    /// Whom the limit counts the call for. One subject, except that a limit per group counts for each group of the
    /// caller, and for none where there are no groups.
    ///
    /// A key without a user is a user of its own, so that a limit per user cannot be passed by leaving the user out. Of
    /// anonymous callers only the address is known, so limits per user and per key count them by it.
    public func subjects(of call: Call) -> [Subject] {
        switch per {
        case .team: [.team(call.team)]
        case .user: [call.user.map { .user(team: call.team, id: $0) } ?? Self.nameless(call)]
        // Each once, or its counter would be charged twice for one call.
        case .group:
            call.groups.enumerated().filter { index, id in !call.groups[..<index].contains(id) }
                .map { .group(team: call.team, id: $1) }
        case .key: [Self.nameless(call)]
        case .ip: call.ip.map { [.ip($0)] } ?? []
        case .product: [.product(call.product)]
        case .global: [.global]
        }
    }

    private static func nameless(_ call: Call) -> Subject {
        if call.isAnonymous, let ip = call.ip { return .ip(ip) }
        return .key(call.key)
    }

    /// Where a subject's amount comes from.
    public enum AmountSource: Sendable, Hashable {
        case `default`
        case group(String)
        case override

        /// `default`, `group:contractors`, `override`.
        public var text: String {
            switch self {
            case .default: "default"
            case .group(let id): "group:" + id
            case .override: "override"
            }
        }
    }

    /// The amount for a caller in `groups`: that of its groups (the least, or the greatest by ``groupRule``), else the
    /// default. `0` is unlimited, so it is the greatest of amounts.
    public func amount(forGroups groups: [String]) -> (amount: Int, source: AmountSource) {
        if groups.isEmpty || groupAmounts.isEmpty { return (amount, .default) }
        let ordered = groups.compactMap { group in groupAmounts[group].map { (amount: $0, group: group) } }
            .sorted { left, right in
                (left.amount == 0 ? .max : left.amount, left.group) < (
                    right.amount == 0 ? .max : right.amount, right.group
                )
            }
        guard let chosen = groupRule == .min ? ordered.first : ordered.last else { return (amount, .default) }
        return (chosen.amount, .group(chosen.group))
    }

    /// The amount for one of ``subjects(of:)``: its override, if there is one. Else a group's counter has that group's
    /// amount, whoever of it calls, and any other has what the caller's groups give.
    public func amount(for subject: Subject, of call: Call, override: Int? = nil) -> (
        amount: Int, source: AmountSource
    ) {
        if let override { return (override, .override) }
        if case .group(_, let id) = subject { return amount(forGroups: [id]) }
        return amount(forGroups: call.groups)
    }

    /// Request limits up to this amount are counted exactly, each admission by itself; above, and for other units, in
    /// a ring of sub-windows whose size does not depend on the amount.
    public static let largestLog = 100

    /// How the limit is counted.
    public var counter: Counter { counter(override: nil) }

    /// How the limit is counted for a subject whose amount is overridden. Where that makes a ring of a log or the reverse,
    /// scripts go on with what is stored until the subject has been idle for a window: nothing used is forgotten.
    public func counter(override: Int?) -> Counter {
        switch span {
        case .inFlight: .inFlight
        case .period(let period): .budget(period)
        case .window(let ms):
            unit == .requests && (1...Self.largestLog).contains(override ?? amount)
                && (1...Self.largestLog).contains(amount)
                && groupAmounts.values.allSatisfy { $0 <= Self.largestLog }
                ? .log(windowMs: ms) : .ring(windowMs: ms)
        }
    }
}
