import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Testing
import WeirCore
import WeirEnforcer
import WeirProviders
import WeirRedis
import WeirSimulator
import WeirTestSupport

@testable import WeirGateway

/// The edge with the engine and a real Redis behind it.
@Suite struct EngineTests {
    private func withEngine(
        limits: [Limit], _ body: (TestBed, RedisServer) async throws -> Void
    ) async throws {
        var policy = TestBed.policy
        policy.limits = limits
        try await withNodes(1, policy: policy) { beds, redis in try await body(beds[0], redis) }
    }

    private static func limit(_ id: String, _ unit: Limit.Unit, _ span: Limit.Span, _ amount: Int) -> Limit {
        Limit(id: id, per: .user, unit: unit, span: span, match: .init(), amount: amount)
    }

    @Test func `calls are admitted up to the limit, recorded once each, and denied beyond it`() async throws {
        let limits = [
            Self.limit("ai-calls", .requests, .window(ms: 60_000), 5),
            Self.limit("spend", .usd, .period(.month), 50_000_000),
        ]
        try await withEngine(limits: limits) { bed, redis in
            for _ in 1...5 {
                let answer = try await bed.send(bed.request(simulate: "input=10;output=5", stream: true))
                #expect(answer.status == .ok)
            }
            let denied = try await bed.send(bed.request())
            #expect(denied.status == .tooManyRequests)
            #expect(denied.text.contains(#""limit":"ai-calls""#))
            #expect(Int(denied.headers.first(name: "retry-after") ?? "") ?? 0 >= 1)
            #expect(bed.simulator.log().count == 5)
            // With its answer whole a client finds its call settled.
            var events: [String] = []
            for number in 0..<16 {
                let key = RedisArgument.string(RedisKeys.usage(Shard(number: number)))
                if case .array(let entries) = try await redis.send(["XRANGE", key, "-", "+"]) {
                    events += entries.map { "\($0)" }
                }
            }
            #expect(events.count == 5)
        }
    }

    @Test func `no sequence of calls one after the other is ever denied for being at once`() async throws {
        let limits = [Self.limit("at-once", .concurrency, .inFlight, 1)]
        try await withEngine(limits: limits) { bed, _ in
            for index in 0..<100 {
                let answer = try await bed.send(bed.request(stream: index.isMultiple(of: 2)))
                #expect(answer.status == .ok)
            }
        }
    }

    @Test func `a revoked key and Redis gone are answered as such`() async throws {
        try await withEngine(limits: []) { bed, redis in
            let good = try await bed.send(bed.request())
            #expect(good.status == .ok)
            let key = RedisArgument.string(RedisKeys.apiKey(sha256: Credential.hexSHA256(TestBed.key[...])))
            try await redis.send(["HSET", key, "status", "revoked"])
            try await eventually { try await bed.send(bed.request()).status == .unauthorized }
            try await redis.send(["HSET", key, "status", "active"])
            try await eventually { try await bed.send(bed.request()).status == .ok }
            redis.kill()
            let away = try await bed.send(bed.request())
            #expect(away.status == .serviceUnavailable)
            #expect(away.text.contains("degraded"))
        }
    }

    @Test func `F-K3: a price that changes in the middle of a call does not change what that call costs`() async throws
    {
        try await withEngine(limits: []) { bed, redis in
            let shipped = try testPrices.get()
            let price = try #require(shipped.price(provider: "anthropic", model: "claude-sonnet-4-5-20250929"))
            var dearer = price
            dearer.validFrom = UTCDay("2026-01-01")
            dearer.price = Price(
                base: .init(
                    input: 90_000_000, cacheRead: 90_000_000, cacheWrite5m: 90_000_000, cacheWrite1h: 90_000_000,
                    output: 90_000_000))
            let text = try AddedPrices(version: 3, models: [dearer]).json()
            /// The events so far, by the request they belong to.
            func events() async throws -> [String: UsageEvent] {
                let stream = RedisArgument.string(RedisKeys.usage(Shard(of: "acme")))
                guard case .array(let entries) = try await redis.send(["XRANGE", stream, "-", "+"]) else { return [:] }
                var events: [String: UsageEvent] = [:]
                for entry in entries {
                    guard case .array(let parts) = entry, case .array(let fields) = parts[1],
                        case .bulk(let json) = fields[1]
                    else { continue }
                    let event = try UsageEvent(json: Array(buffer: json))
                    events[event.id] = event
                }
                return events
            }
            let long = Task {
                try await bed.send(bed.request(simulate: "input=1000;output=100;chunks=50;delay-ms=60", stream: true))
            }
            try await eventually("the long call runs") { bed.simulator.log().count == 1 }
            try await redis.send(["SET", .string(RedisKeys.prices), .string(text)])
            var short: UsageEvent?
            try await eventually("another call is charged by the new price") {
                let answer = try await bed.send(bed.request(simulate: "input=1000;output=100"))
                short = try await events()[answer.headers.first(name: "weir-request-id") ?? ""]
                return short?.priceVersion == shipped.version + "+3"
            }
            #expect(bed.simulator.log().first?.outcome == .open, "the test was too slow to change the price in time")
            let answer = try await long.value
            let event = try #require(try await events()[answer.headers.first(name: "weir-request-id") ?? ""])
            #expect(event.priceVersion == shipped.version)
            #expect(event.cost == price.price.cost(of: TokenUsage(input: 1000, output: 100)))
            #expect(short?.cost == MicroUSD(micros: 99_000))
            try FaultReport(
                "F-K3", invariant: "a call is charged by the prices of its admission, and its event names them, E2",
                bound: "\(price.price.cost(of: TokenUsage(input: 1000, output: 100)).micros) micro-dollars",
                measured: "\(event.cost.micros), a call admitted later \(short?.cost.micros ?? 0)"
            ).report()
        }
    }

    @Test func `what an operator adds is what the next calls cost, and their events say so`() async throws {
        try await withEngine(limits: []) { bed, redis in
            let version = try PriceHistory.shipped().version
            let shipped = try testPrices.get().price(provider: "anthropic", model: "claude-sonnet-4-5-20250929")
            var model = try #require(shipped)
            model.validFrom = UTCDay("2026-01-01")
            model.price = Price(
                base: .init(input: 7, cacheRead: 7, cacheWrite5m: 7, cacheWrite1h: 7, output: 9_000_000))
            let text = try AddedPrices(version: 3, models: [model]).json()
            try await redis.send(["SET", .string(RedisKeys.prices), .string(text)])
            try await eventually("a call is charged by the added price") {
                let answer = try await bed.send(bed.request(simulate: "input=1000;output=100"))
                #expect(answer.status == .ok)
                let stream = RedisArgument.string(RedisKeys.usage(Shard(of: "acme")))
                guard case .array(let entries) = try await redis.send(["XREVRANGE", stream, "+", "-", "COUNT", 1]),
                    case .array(let parts)? = entries.first, case .array(let fields) = parts[1],
                    case .bulk(let json) = fields[1]
                else { return false }
                let newest = try UsageEvent(json: Array(buffer: json))
                // 1,000 × 7 micro-dollars per million and 100 × 9 dollars per million
                return newest.priceVersion == version + "+3" && newest.cost == MicroUSD(micros: 901)
            }
        }
    }
}
