import WeirCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a gateway says of itself every few seconds, for whoever looks after it.
package struct NodeReport: Sendable, Hashable, Codable {
    /// Where it listens: `http://10.0.0.7:8080`.
    package var address: String
    /// Milliseconds since 1970: when it was said, and when the process started.
    package var atMs: Int
    package var startedAtMs: Int
    /// Why it may not serve, as its `/readyz` says; nil: it may.
    package var problem: String?

    /// How often it is said, and for how long it holds.
    package static let interval: Duration = .seconds(5)
    package static let validMs = 15_000

    package init(address: String, atMs: Int, startedAtMs: Int, problem: String?) {
        self.address = address
        self.atMs = atMs
        self.startedAtMs = startedAtMs
        self.problem = problem
    }

    /// Reads what ``text`` wrote; nil for anything else.
    package init?(text: String) {
        guard let report = try? JSONDecoder().decode(NodeReport.self, from: Data(text.utf8)) else { return nil }
        self = report
    }

    /// One JSON object.
    package var text: String {
        var json = JSONWriter()
        json.beginObject()
        json.member("address", address)
        json.member("at_ms", atMs)
        json.member("problem", ifPresent: problem)
        json.member("started_at_ms", startedAtMs)
        json.endObject()
        return String(decoding: json.bytes, as: UTF8.self)
    }

    /// What a node sends to Redis to say it.
    package func commands(node: String) -> [[RedisArgument]] {
        let key = RedisKeys.nodeReports(atMs: atMs)
        return [
            ["HSET", .string(key), .string(node), .string(text)],
            ["EXPIRE", .string(key), .int(RedisKeys.nodeReportsLifeS)],
        ]
    }

    enum CodingKeys: String, CodingKey {
        case address, problem
        case atMs = "at_ms"
        case startedAtMs = "started_at_ms"
    }
}

extension RedisKeys {
    private static let spanMs = 20_000
    static let nodeReportsLifeS = 60

    /// Hash: node → ``NodeReport``, of those that reported in one span of 20 seconds; lives for a minute, so nobody has to
    /// take away what dead nodes have said.
    package static func nodeReports(atMs ms: Int) -> String { "weir:nodes:\(ms / spanMs)" }

    /// The hashes that hold all reports that are still valid.
    package static func nodeReports(around nowMs: Int) -> [String] {
        // A node's clock, corrected by Redis's, may be a little ahead.
        [nowMs - spanMs, nowMs, nowMs + spanMs].map { nodeReports(atMs: $0) }
    }

    /// Hash: `<resource>/<team>` → `<until_s> <amount> <previous_s>`, the entries of limited sets that the aggregator made.
    package static let limitsSetByLedger = "weir:quota-limits-set-by-ledger"
}
