/// How the deployment is: who leads, what is ready, what waits.
package struct StatusAnswer: Codable, Sendable, Equatable {
    /// Nil: nobody leads at this moment.
    package var leader: LeaderStatus?
    package var shards: ShardsStatus
    /// Usage events in the streams that are not in the ledger yet, and how long the oldest of them has waited.
    package var ingest: IngestStatus
    package var ledger: LedgerStatus
    /// The scopes that are thrown now.
    package var killSwitch: [String]
    package var redis: RedisStatus

    enum CodingKeys: String, CodingKey {
        case leader, shards, ingest, ledger, redis
        case killSwitch = "kill_switch"
    }
}

package struct LeaderStatus: Codable, Sendable, Equatable {
    package var name: String
    /// Grows with every leader.
    package var token: Int
    /// Unix seconds.
    package var since: Int

    /// Of what stands in `weir:leader`; nil for what no aggregator wrote.
    init?(_ text: String) {
        let words = text.split(separator: " ")
        guard words.count == 3, let token = Int(words[1]), let since = Int(words[2]) else { return nil }
        (name, self.token, self.since) = (String(words[0]), token, since)
    }
}

package struct ShardsStatus: Codable, Sendable, Equatable {
    package var count: Int
    package var ready: Int
    /// The tags of those that admit nothing until they are ready.
    package var notReady: [String]

    enum CodingKeys: String, CodingKey {
        case count, ready
        case notReady = "not_ready"
    }
}

package struct IngestStatus: Codable, Sendable, Equatable {
    package var waiting: Int
    package var oldestMs: Int

    enum CodingKeys: String, CodingKey {
        case waiting
        case oldestMs = "oldest_ms"
    }
}

package struct LedgerStatus: Codable, Sendable, Equatable {
    package var revision: Int
    /// The revision that Redis has; nil: none.
    package var publishedRevision: Int?

    enum CodingKeys: String, CodingKey {
        case revision
        case publishedRevision = "published_revision"
    }
}

package struct RedisStatus: Codable, Sendable, Equatable {
    package var version: String
    /// Another one after every restart.
    package var runID: String
    /// Anything but `noeviction` lets Redis forget what was spent.
    package var maxmemoryPolicy: String

    enum CodingKeys: String, CodingKey {
        case version
        case runID = "run_id"
        case maxmemoryPolicy = "maxmemory_policy"
    }
}
