import WeirCore

/// What repricing did, or would do.
package struct RepriceResult: Sendable, Hashable {
    /// Calls that were looked at.
    package var events = 0
    /// Of them those whose cost changed.
    package var corrected = 0
    /// Of them those whose model, or an option that was asked for, has no price now either: they stay as they are.
    package var unpriced = 0
    /// By how much all of them changed, in micro-dollars; negative: they had been charged too much.
    package var differenceMicros = 0

    package init(events: Int = 0, corrected: Int = 0, unpriced: Int = 0, differenceMicros: Int = 0) {
        self.events = events
        self.corrected = corrected
        self.unpriced = unpriced
        self.differenceMicros = differenceMicros
    }
}
