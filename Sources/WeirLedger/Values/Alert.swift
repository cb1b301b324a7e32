/// Something that somebody should know of. Raised once per kind, subject and period, whoever sees it, and however often.
package struct Alert: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// A set share of a limit with a period is used.
        case limitShare = "limit_share"
        /// The cost guard's thresholds.
        case costWarn = "cost_warn"
        case costKill = "cost_kill"
        /// Usage waits too long for the ledger.
        case ingestLag = "ingest_lag"
        /// Redis does not answer the aggregators.
        case redisLost = "redis_lost"
        /// A model without a price was called, or is named by the policy.
        case unpricedModel = "unpriced_model"
        /// Nodes die with calls in flight.
        case orphanRate = "orphan_rate"
        /// `weir alerts test`.
        case test
    }

    package enum Severity: String, Sendable, Hashable, CaseIterable { case info, warning, critical }

    package var kind: Kind
    /// What it is about: a limit with its subject and share, a model, `redis`.
    package var subject: String
    /// While it is not raised again: a limit's period, or a UTC day or hour.
    package var period: String
    package var severity: Severity
    /// One sentence for a person.
    package var text: String
    /// The same for programs; numbers as decimal text.
    package var details: [String: String]
    /// Milliseconds since 1970.
    package var atMs: Int

    package init(
        _ kind: Kind, subject: String, period: String, severity: Severity, text: String,
        details: [String: String] = [:], atMs: Int
    ) {
        self.kind = kind
        self.subject = subject
        self.period = period
        self.severity = severity
        self.text = text
        self.details = details
        self.atMs = atMs
    }

    /// What makes it the same alert.
    package struct Key: Sendable, Hashable {
        let kind: Kind
        let subject: String
        let period: String
    }

    package var key: Key { Key(kind: kind, subject: subject, period: period) }
}

/// An alert in the ledger, and what became of it.
package struct AlertRecord: Sendable, Hashable {
    package enum State: String, Sendable, Hashable, CaseIterable {
        /// There was no webhook to send it to.
        case recorded
        case pending, sent
        /// Given up: refused for good, or failed too often.
        case dead
    }

    package var id: Int
    package var alert: Alert
    package var state: State
    package var attempts: Int
    /// While pending: when it is tried next, milliseconds since 1970.
    package var nextAtMs: Int
    /// Why the last attempt failed.
    package var error: String?

    package init(
        id: Int, alert: Alert, state: State, attempts: Int = 0, nextAtMs: Int = 0, error: String? = nil
    ) {
        self.id = id
        self.alert = alert
        self.state = state
        self.attempts = attempts
        self.nextAtMs = nextAtMs
        self.error = error
    }
}
