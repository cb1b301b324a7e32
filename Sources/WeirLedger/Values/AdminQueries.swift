import WeirCore

/// Which API keys are listed; every field that is set must match.
package struct KeyFilter: Sendable, Hashable {
    package var team: String?
    package var user: String?
    package var group: String?
    package var isActive: Bool?

    package init(team: String? = nil, user: String? = nil, group: String? = nil, isActive: Bool? = nil) {
        self.team = team
        self.user = user
        self.group = group
        self.isActive = isActive
    }
}

/// A team, with what it has and what it spent.
package struct TeamRow: Sendable, Hashable {
    package var team: String
    package var users: Int
    package var keys: Int
    package var activeKeys: Int
    /// Of the days that were asked for.
    package var totals: UsageTotals
}

/// A user of a team.
package struct UserRow: Sendable, Hashable {
    package var team: String
    package var user: String
    package var groups: [String]
    package var keys: Int
    package var activeKeys: Int
    /// Of the days that were asked for.
    package var totals: UsageTotals
}

/// A group of a team's users, as API keys name it.
package struct GroupRow: Sendable, Hashable {
    package var team: String
    package var group: String
    package var users: Int
    package var keys: Int
    package var activeKeys: Int
}

/// Which events are wanted; every field that is set must match.
package struct EventFilter: Sendable, Hashable {
    package var team: String?
    package var user: String?
    package var key: String?
    package var product: String?
    /// The model that served.
    package var model: String?
    package var outcome: UsageEvent.Outcome?
    /// Milliseconds since 1970, from the first on and before the second.
    package var fromMs: Int
    package var toMs: Int
    package var corrections: Corrections

    /// What becomes of the corrections that repricing made.
    package enum Corrections: Sendable, Hashable {
        /// Each is a row of its own.
        case listed
        /// They are in the cost of the call that they correct: what it costs by now.
        case added
    }

    package init(
        team: String? = nil, user: String? = nil, key: String? = nil, product: String? = nil, model: String? = nil,
        outcome: UsageEvent.Outcome? = nil, fromMs: Int, toMs: Int, corrections: Corrections
    ) {
        self.team = team
        self.user = user
        self.key = key
        self.product = product
        self.model = model
        self.outcome = outcome
        self.fromMs = fromMs
        self.toMs = toMs
        self.corrections = corrections
    }
}

/// A row of `usage_event`: a call, or the correction of one.
package struct EventRow: Sendable, Hashable {
    /// Of a correction: the call that it corrects, without tokens, with the cost that it adds.
    package var event: UsageEvent
    /// The id of the call whose cost it corrects.
    package var corrects: String?

    /// As the column says it: how the call ended, or `repriced`.
    package var outcome: String { corrects == nil ? event.outcome.rawValue : Self.repriced }
    package static let repriced = "repriced"

    package init(event: UsageEvent, corrects: String? = nil) {
        self.event = event
        self.corrects = corrects
    }
}

/// Some events, newest first.
package struct EventRows: Sendable, Hashable {
    package var rows: [EventRow]
    /// Where to go on: behind the last row if more match, or behind the last event that was looked at, since a page looks at
    /// so many of them at most, whether they match or not. Nil: this was all.
    package var next: ExportedEvent.Place?
}

/// Which lines of the audit are wanted; every field that is set must match.
package struct AuditFilter: Sendable, Hashable {
    package var actor: String?
    /// An action, or its beginning up to a dot: `key.create`, `key`.
    package var action: String?
    package var subject: String?
    package var fromMs: Int?
    package var toMs: Int?

    package init(
        actor: String? = nil, action: String? = nil, subject: String? = nil, fromMs: Int? = nil, toMs: Int? = nil
    ) {
        self.actor = actor
        self.action = action
        self.subject = subject
        self.fromMs = fromMs
        self.toMs = toMs
    }
}

/// A line of the audit with its number, which grows.
package struct AuditRow: Sendable, Hashable {
    package var number: Int
    package var entry: AuditEntry
}

/// What some days cost, from sums alone.
package struct CostOverview: Sendable, Hashable {
    /// By day, product, endpoint and model.
    package var kinds: [KindTotals]
    /// The dearest.
    package var teams: [UsageRow]
    package var users: [UsageRow]

    package struct KindTotals: Sendable, Hashable {
        package var day: String
        package var product: String
        package var endpoint: String
        package var model: String
        package var totals: UsageTotals
    }

    /// Of everybody.
    package var total: UsageTotals { kinds.reduce(into: .zero) { $0 += $1.totals } }

    /// Of each day, product, endpoint or model.
    package func sums(by name: KeyPath<KindTotals, String>) -> [String: UsageTotals] {
        var sums: [String: UsageTotals] = [:]
        for kind in kinds { sums[kind[keyPath: name], default: .zero] += kind.totals }
        return sums
    }

    /// The dearest products, endpoints or models, in the order that `teams` and `users` have.
    package func dearest(_ count: Int, by name: KeyPath<KindTotals, String>) -> [UsageRow] {
        let sorted = sums(by: name).sorted { left, right in
            (right.value.cost, right.value.calls, left.key) < (left.value.cost, left.value.calls, right.key)
        }
        return sorted.prefix(count).map { UsageRow(name: $0.key, totals: $0.value) }
    }
}

/// What rolling a day up again changed.
package struct RebuildResult: Sendable, Hashable {
    /// Sums of `daily_summary` that the day has now.
    package var sums: Int
    /// How many sums were not right before, those of the coarser tables included: ``SummaryDifference``.
    package var corrected: Int
}
