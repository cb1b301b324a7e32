/// What has to change in the limited sets so that they say what the evaluation says, and what operators said stays.
///
/// An operator's word wins: an entry made by hand is never shortened or removed; one that the aggregator set and somebody
/// removed or changed by hand is left so until its period ends or the limit's amount changes. For this the aggregator
/// remembers what it set (``Own``), beside the sets in Redis: whoever loses the one loses the other, and all is set again.
struct LimitedSetPlan: Sendable, Equatable {
    /// What the aggregator set, as remembered under `<resource>/<team>`: `<until_s> <amount> <previous_s>`.
    struct Own: Sendable, Equatable {
        let untilS: Int
        /// The amount that was exceeded.
        let amount: Int
        /// The score of an entry made by hand that stood there before and ended earlier; 0: none.
        let previousS: Int

        var text: String { "\(untilS) \(amount) \(previousS)" }

        init(untilS: Int, amount: Int, previousS: Int) {
            self.untilS = untilS
            self.amount = amount
            self.previousS = previousS
        }

        init?(_ text: String) {
            let parts = text.split(separator: " ").map { Int($0) }
            guard parts.count == 3, let untilS = parts[0], let amount = parts[1], let previousS = parts[2] else {
                return nil
            }
            self.init(untilS: untilS, amount: amount, previousS: previousS)
        }
    }

    enum Step: Sendable, Equatable {
        /// Set the score, then remember it: a crash in between leaves a limited team.
        case limit(LimitedTeam, Own)
        /// Remember a score that stands already.
        case remember(LimitedTeam, Own)
        /// Take the score back if it still stands, putting the previous one back, then forget it.
        case lift(LimitedTeam, Own)
        case forget(LimitedTeam)
    }

    let steps: [Step]

    /// - Parameter standing: the scores in the limited sets, unix seconds.
    init(
        verdicts: [LimitedTeam: Evaluation.Verdict], own: [LimitedTeam: Own], standing: [LimitedTeam: Int], nowS: Int
    ) {
        var steps: [Step] = []
        for (place, verdict) in verdicts {
            let score = standing[place]
            var previous = score.flatMap { $0 > nowS ? $0 : nil } ?? 0
            if let mine = own[place] {
                // Said before. If something else stands there now, an operator wants it so.
                if mine.untilS == verdict.untilS, mine.amount == verdict.amount { continue }
                if score == mine.untilS { previous = mine.previousS }
            }
            let next = Own(untilS: verdict.untilS, amount: verdict.amount, previousS: previous)
            if let score, score > verdict.untilS {
                if let mine = own[place] {
                    // It may be the aggregator's own, of a longer period that no longer limits.
                    if score == mine.untilS { steps.append(.limit(place, next)) } else { steps.append(.forget(place)) }
                }
            } else if score == verdict.untilS {
                let previous = own[place].map { $0.untilS == score ? $0.previousS : 0 } ?? 0
                steps.append(
                    .remember(place, Own(untilS: verdict.untilS, amount: verdict.amount, previousS: previous)))
            } else {
                steps.append(.limit(place, next))
            }
        }
        for (place, mine) in own where verdicts[place] == nil {
            guard standing[place] == mine.untilS else {
                steps.append(.forget(place))
                continue
            }
            let previous = mine.previousS > nowS ? mine.previousS : 0
            steps.append(.lift(place, Own(untilS: mine.untilS, amount: mine.amount, previousS: previous)))
        }
        self.steps = steps
    }
}
