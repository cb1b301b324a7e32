import WeirCore
import WeirLedger
import WeirRedis

/// A team in the limited set of a resource.
struct LimitedTeam: Hashable, Sendable {
    let resource: String
    let team: String
}

/// Who is limited and what the cost guard sees: a function of the policy, the ledger's sums and the time, nothing else.
struct Evaluation: Sendable, Equatable {
    /// Why and until when a team is limited.
    struct Verdict: Sendable, Equatable {
        let limit: Limit.ID
        /// Unix seconds: the end of the limit's period.
        let untilS: Int
        /// In the limit's unit.
        let spent: Int
        let amount: Int
    }

    /// What everybody spent in the cost guard's period.
    struct Guarded: Sendable, Equatable {
        let period: Period.Instance
        let costGuard: Policy.CostGuard
        let spent: MicroUSD
    }

    /// One sum that the ledger is asked for.
    struct Question: Sendable {
        let limit: Limit
        let period: Period.Instance
        let selection: CallSelection
    }

    var limited: [LimitedTeam: Verdict] = [:]
    var guarded: Guarded?

    /// The sums needed: one per limit that the ledger enforces. A limit without a resource has no limited set, and one
    /// without a period no sum; the policy file refuses both.
    static func questions(policy: Policy, nowMs: Int) -> [Question] {
        policy.limits.compactMap { limit in
            guard limit.enforce == .ledger, limit.per == .team, limit.match.resource != nil,
                limit.unit != .concurrency, case .period(let period) = limit.span
            else { return nil }
            return Question(
                limit: limit, period: period.containing(ms: nowMs), selection: limit.match.selection(in: policy))
        }
    }

    /// - Parameter sums: for each question, in its order, what each team spent.
    /// - Parameter overrides: amounts that differ from policy.
    init(
        questions: [Question], sums: [[Spend]], overrides: [OverrideName: Int], guarded: Guarded?
    ) {
        self.guarded = guarded
        for (question, spends) in zip(questions, sums) {
            let limit = question.limit
            guard let resource = limit.match.resource else { continue }
            for spend in spends {
                guard let team = spend.team, let spent = spend.totals.amount(in: limit.unit) else { continue }
                let name = OverrideName(limit: limit.id, subject: Subject.team(team).text)
                let amount = overrides[name] ?? limit.amount
                guard amount > 0, spent >= amount else { continue }
                let verdict = Verdict(
                    limit: limit.id, untilS: question.period.endMs / 1000, spent: spent, amount: amount)
                let place = LimitedTeam(resource: resource, team: team)
                // Of several limits on one resource the one that lasts longest counts.
                if let other = limited[place], other.untilS >= verdict.untilS { continue }
                limited[place] = verdict
            }
        }
    }

    /// What may override the amounts.
    static func overridable(_ questions: [Question], _ sums: [[Spend]]) -> [OverrideName] {
        zip(questions, sums).flatMap { question, spends in
            spends.compactMap { spend in
                spend.team.map { OverrideName(limit: question.limit.id, subject: Subject.team($0).text) }
            }
        }
    }
}
