import WeirCore
import WeirRedis

/// Keys that only aggregators use.
enum AggregatorKeys {
    /// Hash: `<resource>/<team>` → what the aggregator set in a limited set, and what stood there before. It takes back
    /// only what stands here, so that entries made by hand stay.
    static let ownLimits = RedisKeys.limitsSetByLedger
    /// String: the run of the Redis server in which the ledger's copy of limited sets and kill switch was put.
    static let standingRun = "weir:standing-run"

    /// String: the threshold in micro-dollars at which the cost guard last acted in a period. Lives a day longer than it.
    static func costGuard(_ act: String, period: Period.Instance) -> String { "weir:cost-guard:\(act):\(period.id)" }
}
