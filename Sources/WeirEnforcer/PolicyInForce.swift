import Synchronization
import WeirCore

/// A policy as it was published, and what this node has worked out of it.
final class PolicyInForce: Sendable {
    /// Beyond it all are forgotten: callers and addresses must not fill the memory.
    static let largestCount = 4096

    let policy: Policy
    /// The text it was read from: as long as that stays the same, so does this.
    let published: String
    private let known = Mutex<[Call: CoveringLimits]>([:])

    init(_ policy: Policy, published: String) {
        self.policy = policy
        self.published = published
    }

    /// - Parameter candidates: the models that may serve the call; at least one.
    func limits(covering call: Call, candidates: [Candidate]) -> CoveringLimits {
        // Of calls that several models may serve no two are offered the same.
        guard candidates.count == 1, candidates[0].model == call.model else {
            return CoveringLimits(policy: policy, call: call, candidates: candidates)
        }
        if let covering = known.withLock({ $0[call] }) { return covering }
        let covering = CoveringLimits(policy: policy, call: call, candidates: candidates)
        known.withLock { known in
            if known.count >= Self.largestCount { known.removeAll(keepingCapacity: true) }
            known[call] = covering
        }
        return covering
    }
}
