import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirGateway

/// Asks the decision API of gateways, and looks at what it did in Redis.
extension DecisionTests {
    static let otherKey = "weir-test-other-key"
    static let strangerKey = "weir-test-stranger-key"
    static let spend = "weir:{12}:budget:spend:user:acme/alice:*"
    static let model = "claude-sonnet-4-5-20250929"

    static func policy() -> Policy {
        var policy = TestBed.policy
        policy.products["search"] = .init(callClass: "lookup", billable: false)
        policy.products["open"] = .init(callClass: "lookup", billable: false, anonymous: true)
        policy.classes["lookup"] = .init(killSwitch: false)
        policy.limits = [
            Limit(
                id: "calls", per: .user, unit: .requests, span: .window(ms: 3_600_000), match: .init(classes: ["ai"]),
                amount: 5),
            Limit(
                id: "spend", per: .user, unit: .usd, span: .period(.month), match: .init(classes: ["ai"]),
                amount: 1_000_000),
            Limit(
                id: "flow", per: .user, unit: .tokens, span: .window(ms: 3_600_000), match: .init(classes: ["ai"]),
                amount: 1_000_000),
            Limit(
                id: "at-once", per: .team, unit: .concurrency, span: .inFlight, match: .init(classes: ["ai"]), amount: 4
            ),
            Limit(
                id: "everybody", per: .global, unit: .usd, span: .period(.day), match: .init(classes: ["ai"]),
                amount: 9_000_000),
            Limit(
                id: "credits", per: .team, unit: .usd, span: .period(.month), match: .init(resource: "ai_credits"),
                amount: 77, enforce: .ledger),
        ]
        policy.ladder = ["claude-opus-4", "claude-sonnet-4"]
        return policy
    }

    struct Answer {
        let status: Int
        let headers: HTTPHeaders
        let json: [String: Any]
        var weir: [String: Any] { json["weir"] as? [String: Any] ?? [:] }
        var reason: String? { weir["reason"] as? String }
        var id: String { json["id"] as? String ?? "" }
        func limit(_ id: String) -> [String: Any]? {
            (json["limits"] as? [[String: Any]])?.first { $0["limit"] as? String == id }
        }
    }

    struct Asker {
        let beds: [TestBed]
        let redis: RedisServer
        let schema: OpenAPISchema

        /// Asks, and holds the answer against the document.
        func ask(
            _ path: String, _ body: String? = nil, node: Int = 0, key: String? = TestBed.key,
            headers: HTTPHeaders = [:], sourceLocation: SourceLocation = #_sourceLocation
        ) async throws -> Answer {
            var request = try HTTPClient.Request(
                url: beds[node].url + "/quota/v1/" + path, method: body == nil ? .GET : .POST, headers: headers,
                body: body.map { .string($0) })
            if let key { request.headers.add(name: "x-api-key", value: key) }
            let response = try await beds[node].send(request)
            let data = Data(response.text.utf8)
            let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            let status = Int(response.status.code)
            let named = "/quota/v1/" + path.prefix { $0 != "?" && $0 != "/" }
            let expected = try schema.schema(
                body == nil ? "get" : "post", named, status)
            #expect(schema.problems(json, expected) == [], sourceLocation: sourceLocation)
            return Answer(status: status, headers: response.headers, json: json)
        }

        func reserve(_ extra: String = "", node: Int = 0, key: String = TestBed.key) async throws -> Answer {
            try await ask(
                "reserve",
                #"{"model":"\#(DecisionTests.model)","tokens":{"input_tokens":1000,"output_tokens":500}\#(extra)}"#,
                node: node, key: key)
        }

        /// All hashes of the hot keys, so that a test can say that nothing changed.
        func everything() async throws -> [String] {
            guard case .array(let keys) = try await redis.send(["KEYS", "weir:{*}:*"]) else { return [] }
            var all: [String] = []
            // Denials are counted in memory and written once a second, whenever that falls.
            for case .bulk(let name) in keys where !String(buffer: name).contains(":denials:") {
                let key = RedisArgument.string(String(buffer: name))
                guard case .status(let type) = try await redis.send(["TYPE", key]) else { continue }
                let command: [RedisArgument] =
                    switch type {
                    case "hash": ["HGETALL", key]
                    case "zset": ["ZRANGE", key, "0", "-1", "WITHSCORES"]
                    case "stream": ["XRANGE", key, "-", "+"]
                    default: ["GET", key]
                    }
                var values = ["\(try await redis.send(command))"]
                // A hash keeps no order.
                if type == "hash", case .array(let fields) = try await redis.send(command) {
                    values = stride(from: 0, to: fields.count - 1, by: 2).map {
                        Self.text(fields[$0]) + "=" + Self.text(fields[$0 + 1])
                    }
                }
                all.append("\(String(buffer: name)) \(values.sorted())")
            }
            return all.sorted()
        }

        static func text(_ value: RedisValue) -> String {
            if case .bulk(let text) = value { String(buffer: text) } else { "\(value)" }
        }

        func budget(_ limit: String, _ subject: String) async throws -> [Int] {
            guard
                case .array(let keys) = try await redis.send(["KEYS", .string("weir:{*}:budget:\(limit):\(subject):*")]),
                case .bulk(let key)? = keys.first,
                case .array(let values) = try await redis.send([
                    "HMGET", .string(String(buffer: key)), "settled", "reserved",
                ])
            else { return [] }
            return values.map { if case .bulk(let text) = $0 { Int(String(buffer: text)) ?? -1 } else { 0 } }
        }

        func events() async throws -> [UsageEvent] {
            guard
                case .array(let entries) = try await redis.send([
                    "XRANGE", .string(RedisKeys.usage(Shard(of: "acme"))), "-", "+",
                ])
            else { return [] }
            return try entries.map { entry in
                guard case .array(let parts) = entry, case .array(let fields) = parts[1],
                    case .bulk(let text) = fields[1]
                else { throw RedisError.protocolViolation("XRANGE") }
                return try UsageEvent(json: Array(buffer: text))
            }
        }
    }

    func withAPI(
        _ nodes: Int = 1, policy: Policy = policy(), _ body: (Asker) async throws -> Void
    ) async throws {
        var other = TestBed.record()
        (other.id, other.user) = ("k2", "bob")
        let records = [
            TestBed.key: TestBed.record(), Self.otherKey: other,
            Self.strangerKey: APIKeyRecord(id: "k3", team: "globex", user: "eve", products: ["search"]),
        ]
        try await withNodes(nodes, policy: policy, records: records) { beds, redis in
            let document = try await beds[0].client.get(url: beds[0].url + "/quota/v1/openapi.json").get()
            #expect(document.status == .ok)
            let asker = Asker(beds: beds, redis: redis, schema: try OpenAPISchema(Data(document.text.utf8)))
            try await body(asker)
        }
    }

    static func newID() -> String {
        var generator = SystemRandomNumberGenerator()
        return ReservationID(birthMs: Int(Date().timeIntervalSince1970 * 1000), using: &generator).text
    }

    /// 1000 × 3 $ + 500 × 15 $ per million.
    static let estimate = 10_500
    /// 400 × 3 $ + 100 × 15 $ per million.
    static let used = 2_700
    static let usage = #""tokens":{"input_tokens":400,"output_tokens":100}"#
}
