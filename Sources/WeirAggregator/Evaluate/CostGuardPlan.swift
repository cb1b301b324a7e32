import WeirCore

/// What the cost guard does: a warning at one threshold, the kill switch at the other, each once per period.
///
/// Once, so that an operator who switches it off has the last word for the rest of the period; if he raises the threshold
/// and spending passes that one, too, the guard acts again. That it has acted stands in Redis beside the switch itself:
/// if Redis loses everything, switch and mark are lost together, and the switch is thrown again.
struct CostGuardPlan: Sendable, Equatable {
    enum Step: Sendable, Equatable {
        case warn(thresholdMicros: Int)
        /// Throw the switch, then mark it: a crash in between throws it once more.
        case throwSwitch(KillSwitch.Entry, thresholdMicros: Int)
        /// It stands already: only the mark is missing.
        case mark(thresholdMicros: Int)
    }

    static let actor = "aggregator"

    let steps: [Step]

    /// - Parameter entry: what the switch's scope `global` says now.
    /// - Parameter warnedAt: threshold in micro-dollars at which it warned in this period; nil: not yet.
    /// - Parameter thrownAt: likewise for the switch.
    init(_ guarded: Evaluation.Guarded, entry: KillSwitch.Entry?, warnedAt: Int?, thrownAt: Int?, nowMs: Int) {
        var steps: [Step] = []
        func isPassed(_ threshold: MicroUSD?, actedAt: Int?) -> Int? {
            guard let micros = threshold?.micros, micros > 0, guarded.spent.micros >= micros else { return nil }
            if let actedAt, micros <= actedAt { return nil }
            return micros
        }
        if let micros = isPassed(guarded.costGuard.warn, actedAt: warnedAt) {
            steps.append(.warn(thresholdMicros: micros))
        }
        if let micros = isPassed(guarded.costGuard.kill, actedAt: thrownAt) {
            let until = guarded.period.endMs / 1000
            if let entry, entry.isThrown(nowMs: nowMs) {
                // An operator's stays his: should he switch it off, the guard has still not had its say.
                if entry.actor == Self.actor { steps.append(.mark(thresholdMicros: micros)) }
            } else {
                let reason =
                    "spending of \(guarded.period.id) is \(guarded.spent) USD, at or above \(MicroUSD(micros: micros)) USD"
                steps.append(
                    .throwSwitch(
                        KillSwitch.Entry(
                            on: true, reason: reason, actor: Self.actor, since: nowMs / 1000, until: until),
                        thresholdMicros: micros))
            }
        }
        self.steps = steps
    }
}
