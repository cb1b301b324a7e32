extension PolicyFile {
    /// The most limits that one call may meet: one script checks them all.
    static let mostLimitsPerCall = 16

    /// What each way of enforcing a limit asks for.
    static func checkEnforcement(_ limit: Limit, _ value: PolicyValue, _ fields: [String: PolicyValue]) {
        switch limit.enforce {
        case .reserve, .shadow: break
        case .ledger:
            let field = fields["enforce"] ?? value
            if case .period = limit.span {
            } else {
                field.report("the ledger counts by calendar period", "give period: day, week or month")
            }
            if limit.per != .team {
                field.report(
                    "the ledger limits teams, through the limited set, not per: \(limit.per.rawValue)",
                    limit.per == .global
                        ? "use enforce: reserve, or cost_guard, which stops everybody by the ledger"
                        : "use per: team, or enforce: reserve")
            }
            if limit.match.resource == nil, fields["resource"] == nil {
                field.report("the ledger limits what draws on a resource", "give resource: and its name")
            }
            if limit.unit == .concurrency {
                field.report("the ledger cannot count calls at once", "use enforce: reserve")
            }
        }
    }

    /// A cheaper model can serve a call only where a budget fills up and a ladder says what is cheaper.
    static func checkDowngrade(_ limit: Limit, _ fields: [String: PolicyValue], hasLadder: Bool) {
        guard let field = fields["downgrade_at"] else { return }
        if !hasLadder { field.report("there is no ladder of models", "give ladder: [dearest, …, cheapest]") }
        if case .period = limit.span {
        } else {
            field.report("only a budget fills up", "use period: day, week or month instead of a window")
        }
        if limit.enforce != .reserve {
            field.report(
                "a limit with enforce: \(limit.enforce.rawValue) does not act on calls", "use enforce: reserve")
        }
    }

    /// Only what is known beforehand as an upper bound can be held in part, or be made to fit.
    static func checkReservation(_ limit: Limit, _ fields: [String: PolicyValue]) {
        for name in ["reserve", "clamp"] {
            guard let field = fields[name] else { continue }
            if limit.unit != .tokens, limit.unit != .usd {
                field.report("a call always counts as one", "use it with unit: tokens or usd")
            } else if limit.enforce == .ledger {
                field.report("a limit with enforce: ledger holds nothing", "use enforce: reserve")
            }
        }
        guard limit.clamp, let field = fields["clamp"] else { return }
        if limit.reserve != .full {
            field.report(
                "an answer is shortened to what is held, and reserve: \(limit.reserve.rawValue) does not hold its bound",
                "use reserve: full")
        }
        if limit.enforce == .shadow { field.report("a limit in shadow does not act on calls", "use enforce: reserve") }
    }

    /// Refuses a policy of which one call could meet more limits than the script takes.
    static func checkNumberOfLimits(_ policy: Policy, _ value: PolicyValue) {
        for (name, product) in policy.products.sorted(by: { $0.key < $1.key }) {
            let covering = policy.limits.filter { $0.enforce != .ledger && $0.match.covers(product, named: name) }
            // A call has one model, and those of the ladder that may serve it instead: limits of other models do not meet.
            let ladder = policy.ladder.map(\.model)
            let counts = Set(covering.flatMap(\.match.models)).map { model in
                covering.count { limit in
                    limit.match.models.isEmpty || limit.match.models.contains { $0 == model || ladder.contains($0) }
                }
            }
            let count = counts.max() ?? covering.count
            if count > mostLimitsPerCall {
                value.report(
                    "\(count) limits cover a call of product \(name)", "at most \(mostLimitsPerCall) may cover one call"
                )
            }
        }
    }
}

extension Limit.Match {
    /// Whether it can cover calls of the product, whatever their model.
    func covers(_ product: Policy.Product, named name: String) -> Bool {
        (products.isEmpty || products.contains(name)) && (classes.isEmpty || classes.contains(product.callClass))
            && (resource == nil || (product.billable && product.resource == resource))
    }
}
