import WeirCore

/// What would become of a call, and every limit that has a say in it.
package struct Explanation: Sendable, Equatable {
    package enum Verdict: Sendable, Equatable {
        /// By this one of the candidates; `bound`: its answer would be shortened to this.
        case admitted(candidate: Int, bound: Reservation.Bound?)
        case denied(Denial)
    }

    /// Redis's time, milliseconds since 1970.
    package var nowMs: Int
    package var verdict: Verdict
    /// In the order of the policy.
    package var limits: [ExplainedLimit]
}

/// One limit that covers a call, as it stands for one subject.
package struct ExplainedLimit: Sendable, Equatable {
    package var limit: Limit
    package var subject: String
    /// In the limit's unit; 0: unlimited.
    package var amount: Int
    package var source: Limit.AmountSource
    package var used: Int
    package var reserved: Int
    /// Units that the call would hold on the model that would serve it; nil: the limit does not cover that model.
    package var cost: Int?
    /// When it is whole again if nothing else happens, milliseconds since 1970; nil: it is, or when calls end.
    package var resetsAtMs: Int?
    /// The Redis key of its counter, or of the limited set.
    package var key: String
    /// The call does not fit.
    package var isExceeded: Bool
    /// It does not fit, and is denied for it: by no limit in shadow, and by one of the ledger's when its team is limited.
    package var wouldDeny: Bool

    /// In the limit's unit; nil: unlimited.
    package var remaining: Int? { amount == 0 ? nil : max(0, amount - used.addingSaturated(reserved)) }
}
