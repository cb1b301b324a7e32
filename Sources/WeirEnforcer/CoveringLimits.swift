import WeirCore
import WeirRedis

/// Which limits cover a call on any of the models that may serve it, and whom each counts it for; in the order of the
/// policy. Pure, from policy and call.
struct CoveringLimits: Sendable {
    let limits: [Limit]
    let subjects: [Subject]
    /// What may override the amount of each.
    let names: [OverrideName]

    /// - Parameter candidates: the models that may serve it; at least one.
    init(policy: Policy, call: Call, candidates: [Candidate]) {
        var limits: [Limit] = []
        var subjects: [Subject] = []
        var names: [OverrideName] = []
        for limit in policy.limits where limit.enforce != .ledger {
            guard candidates.contains(where: { limit.covers(call, on: $0.model) }) else { continue }
            for subject in limit.subjects(of: call) {
                limits.append(limit)
                subjects.append(subject)
                names.append(OverrideName(limit: limit.id, subject: subject.text))
            }
        }
        self.limits = limits
        self.subjects = subjects
        self.names = names
    }
}
