import WeirRedis
import WeirCore

/// What `weir doctor` has read of a deployment. Pure values: ``Diagnosis`` says what they mean.
struct DoctorFacts: Sendable, Equatable {
    /// The fields of Redis's INFO.
    var info: [String: String] = [:]
    /// `weir:meta`.
    var meta: [String: String] = [:]
    /// Redis's time less this machine's.
    var clockDifferenceMs = 0
    /// Shards without an epoch.
    var shardsNotReady: [String] = []
    /// Usage events that wait for an aggregator.
    var eventsWaiting = 0
    var hasLeader = false
    /// Nil: none is published.
    var policy: Policy?
    /// Why the published policy cannot be read.
    var policyProblem: String?
    /// The version of the prices in force today.
    var priceVersion = ""
    var pricesProblem: String?
    /// Models that policy or API keys name and that have no price.
    var unpricedModels: [String] = []
    var keysLookedAt = 0
    /// There were more keys than were looked at.
    var isScanCut = false
    /// Keys that ought to end by themselves and do not: the first of them.
    var keysWithoutEnd: [String] = []
    var keysWithoutEndCount = 0

    /// Of Weir's keys those that must have a TTL: all that are counted per subject and time. The others are few, or
    /// belong to something that lives on.
    static func mustEnd(_ key: String) -> Bool {
        if key.hasPrefix("weir:cost-guard:") || key == RedisKeys.leader || key.hasSuffix(":fence")
            || key.hasPrefix("weir:fence:")
        {
            return true
        }
        guard key.hasPrefix("weir:{"), let end = key.firstIndex(of: "}") else { return false }
        return [":window:", ":budget:", ":concurrency:", ":denials:", ":committed"].contains {
            key[end...].dropFirst().hasPrefix($0)
        }
    }
}
