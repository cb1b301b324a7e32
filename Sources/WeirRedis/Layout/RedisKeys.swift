import WeirCore

/// The names of all keys. Every one begins with `weir:`; those of a shard carry its hash tag.
package enum RedisKeys {
    /// Hash: `layout`, `shards`, `created_at`.
    package static let meta = "weir:meta"
    /// String: the published policy, JSON with its version.
    package static let policy = "weir:policy"
    /// String: the prices that operators have added to the shipped ones, JSON of ``AddedPrices``; absent: none.
    package static let prices = "weir:prices"
    /// Hash: scope → JSON of ``KillSwitch``.
    package static let killSwitch = "weir:kill-switch"
    /// String: `<name> <token> <since, unix seconds>` of the aggregator that leads. Lives as long as its lease.
    package static let leader = "weir:leader"

    /// String: the ledger's revision of which policy and keys in Redis were made.
    package static let publishedRevision = "weir:published-revision"

    /// String: the highest fencing token that has written `key`. The hash tag puts it into the key's own slot, since a
    /// script touches one. Lives for a day.
    package static func fence(of key: String) -> String { "weir:fence:{\(key)}" }
    /// The same for all of a shard's keys.
    package static func fence(_ shard: Shard) -> String { "weir:\(shard.tag):fence" }

    /// The limited set of a resource. Sorted set: team → unix seconds until which it is limited.
    package static let limitedSetPrefix = "weir:quota-limits:"
    package static func limitedSet(resource: String) -> String { limitedSetPrefix + resource }

    /// Hash: the fields of ``APIKeyRecord``.
    package static let apiKeyPrefix = "weir:api-key:"
    package static func apiKey(sha256: String) -> String { apiKeyPrefix + sha256 }

    /// String: an amount that differs from policy (``OverrideName/key``).
    package static let overridePrefix = "weir:override:"
    /// Set: which of them were made of the ledger's, as `<limit>:<subject>`, so that no others are ever taken back.
    package static let overridesOfLedger = "weir:overrides-set-by-ledger"

    /// String: this shard is ready, `<run id of the Redis server> <when, unix ms>`. Absent, or made for another run, means not
    /// ready, never "nothing spent".
    package static func epoch(_ shard: Shard) -> String { names(of: shard).epoch }
    /// Hash: reservation id → what is held, for whom, until when, and what was observed; or how it ended
    /// (lua/lib/record.lua).
    package static func reservations(_ shard: Shard) -> String { names(of: shard).reservations }
    /// Beside them in the same hash: each budget's key → when it expires, since it has to be there; the epoch for which
    /// the shard was opened, without which that list is not whole; who is opening it; and that somebody missed a budget.
    package static let readyField = "ready"
    package static let openingField = "opening"
    package static let lostField = "lost"
    /// Stream: usage events on their way to the ledger, field `event`.
    package static func usage(_ shard: Shard) -> String { names(of: shard).usage }
    /// Hash: how far the ledger has the stream (lua/trim.lua, ``CommittedMark``), and what was sent again in it
    /// (lua/resend.lua).
    package static func committed(_ shard: Shard) -> String { "weir:\(shard.tag):committed" }

    /// The names that every call of a shard needs, made once.
    private struct ShardNames {
        let epoch: String
        let reservations: String
        let usage: String

        init(_ shard: Shard) {
            epoch = "weir:\(shard.tag):epoch"
            reservations = "weir:\(shard.tag):reservations"
            usage = "weir:\(shard.tag):usage"
        }
    }

    /// As many as a deployment can have.
    private static let shardNames = Shard.all(count: 100).map(ShardNames.init)

    private static func names(of shard: Shard) -> ShardNames {
        shardNames.indices.contains(shard.number) ? shardNames[shard.number] : ShardNames(shard)
    }

    /// Hash: how often each node has denied what that day, ``DenialKey/field(node:)`` → count. Lives two days longer.
    package static func denials(_ shard: Shard, day: UTCDay) -> String { "weir:\(shard.tag):denials:\(day.id)" }

    /// A limit's counter for one subject.
    package static func counter(
        _ shard: Shard, limit: Limit.ID, subject: String, counter: Counter, period: Period.Instance?
    ) -> String {
        switch counter {
        case .log, .ring: "weir:\(shard.tag):window:\(limit):\(subject)"
        case .budget: "weir:\(shard.tag):budget:\(limit):\(subject):\(period?.id ?? "")"
        case .inFlight: "weir:\(shard.tag):concurrency:\(limit):\(subject)"
        }
    }

    package static func budget(_ shard: Shard, limit: Limit.ID, subject: String, period: Period.Instance) -> String {
        counter(shard, limit: limit, subject: subject, counter: .budget(.day), period: period)
    }
}
