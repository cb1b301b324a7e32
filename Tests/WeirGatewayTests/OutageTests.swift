import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Synchronization
import Testing
import WeirCore
import WeirEnforcer
import WeirRedis
import WeirSimulator
import WeirTestSupport

@testable import WeirGateway

/// Gateways whose Redis goes away. What was spent is what the simulator says it would bill, not what Weir counts.
@Suite struct OutageTests {
    /// What clients share while they call and call.
    private final class Clients: Sendable {
        let isOver = Mutex(false)
        /// How long answers took that Redis had no part in.
        let waits = Mutex<[Duration]>([])
    }

    static let allowance = 20_000
    /// 400 × 3 + 100 × 15 micro-dollars.
    static let simulate = "input=400;output=100"

    static func policy(allowance: Int = allowance) -> Policy {
        var policy = TestBed.policy
        policy.limits = [
            Limit(id: "spend", per: .user, unit: .usd, span: .period(.month), match: .init(), amount: 50_000_000)
        ]
        policy.outage = .init(openForMs: 3_600_000, allowance: MicroUSD(micros: allowance))
        return policy
    }

    /// What the provider would bill for the calls after the first `count` of each node's simulator.
    private func billed(_ bed: TestBed, after count: Int = 0) throws -> Int {
        let known = try testPrices.get().price(provider: "anthropic", model: "claude-sonnet-4-5-20250929")
        let rates = try #require(known).price.base
        return bed.simulator.log().dropFirst(count).reduce(0) { sum, call in
            let micros = call.usage.freshInput * rates.input + call.usage.output * rates.output
            return sum + (micros + 999_999) / 1_000_000
        }
    }

    private func text(_ bed: TestBed, _ path: String) async throws -> (status: HTTPResponseStatus, text: String) {
        let answer = try await bed.send(HTTPClient.Request(url: bed.operations + path))
        return (answer.status, answer.text)
    }

    private func isIn(_ state: String, _ bed: TestBed) async throws -> Bool {
        try await text(bed, "/metrics").text.contains(
            #"weir_gateway_outage_state{product="*",state="\#(state)"} 1"#)
    }

    private func events(_ redis: RedisServer) async throws -> [UsageEvent] {
        let stream = RedisArgument.string(RedisKeys.usage(Shard(of: "acme")))
        guard case .array(let entries) = try await redis.send(["XRANGE", stream, "-", "+"]) else { return [] }
        return try entries.map { entry in
            guard case .array(let parts) = entry, case .array(let fields) = parts[1], case .bulk(let text) = fields[1]
            else { throw RedisError.protocolViolation("XRANGE") }
            return try UsageEvent(json: Array(buffer: text))
        }
    }

    private func settled(_ redis: RedisServer) async throws -> Int {
        guard case .array(let keys) = try await redis.send(["KEYS", "weir:{*}:budget:spend:*"]),
            case .bulk(let key)? = keys.first,
            case .bulk(let units) = try await redis.send(["HGET", .string(String(buffer: key)), "settled"])
        else { return 0 }
        return Int(String(buffer: units)) ?? -1
    }

    @Test func `F-R1: N nodes without Redis spend at most N × E, and all of it is in the accounts afterwards`()
        async throws
    {
        try await withNodes(
            3, policy: Self.policy(), deadline: .milliseconds(500),
            arguments: ["--appendonly", "yes", "--appendfsync", "always"]
        ) { beds, redis in
            for bed in beds {
                let answer = try await bed.send(bed.request(simulate: Self.simulate))
                #expect(answer.status == .ok && answer.headers["weir-degraded"] == [])
                #expect(try await text(bed, "/readyz") == (.ok, #"{"ready":true,"outbox":null}"# + "\n"))
            }
            redis.kill()
            let statuses = try await withThrowingTaskGroup(of: [HTTPResponseStatus].self) { group in
                for bed in beds {
                    for _ in 0..<8 {
                        group.addTask {
                            var statuses: [HTTPResponseStatus] = []
                            for _ in 0..<8 {
                                let answer = try await bed.send(bed.request(simulate: Self.simulate))
                                statuses.append(answer.status)
                                #expect(
                                    answer.headers["weir-degraded"] == (answer.status == .ok ? ["blind"] : []))
                                #expect(answer.headers["ratelimit"] == [])
                                if answer.status != .ok {
                                    #expect(answer.headers["weir-reason"] == ["degraded"])
                                    #expect(answer.headers["retry-after"] == ["1"])
                                }
                            }
                            return statuses
                        }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(Set(statuses) == [.ok, .serviceUnavailable])
            let spent = try beds.map { try billed($0, after: 1) }
            #expect(spent.allSatisfy { $0 > 0 && $0 <= Self.allowance }, "\(spent)")
            for (bed, micros) in zip(beds, spent) {
                let ready = try await text(bed, "/readyz")
                #expect(
                    ready.status == .serviceUnavailable && ready.text.hasPrefix(#"{"ready":false,"reason":"closed: "#),
                    "\(ready)")
                let metrics = try await text(bed, "/metrics").text
                #expect(metrics.contains(#"weir_gateway_outage_state{product="*",state="closed"} 1"#))
                #expect(metrics.contains(#"weir_gateway_blind_spend_micros_total{product="*"} \#(micros)"# + "\n"))
                #expect(
                    metrics.contains(
                        #"weir_gateway_blind_allowance_micros{product="*"} \#(Self.allowance - micros)"# + "\n"))
            }
            try await redis.restart()
            // As an aggregator does for a Redis that was started again.
            try await withConnection(to: redis) { try await makeReady(of: $0) }
            for bed in beds {
                try await eventually("Redis decides again", within: .seconds(30)) {
                    try await text(bed, "/readyz") == (.ok, #"{"ready":true,"outbox":null}"# + "\n")
                }
            }
            let made = beds.reduce(0) { $0 + $1.simulator.log().count }
            try await eventually("every call in the stream, charged", within: .seconds(30)) {
                let total = try beds.reduce(0) { try $0 + billed($1) }
                guard try await events(redis).count == made else { return false }
                return try await settled(redis) == total
            }
            let recorded = try await events(redis)
            #expect(recorded.count { $0.extra[UsageEvent.blind] == "1" } == made - beds.count)
            #expect(Set(recorded.map(\.id)).count == made)
            try FaultReport(
                "F-R1", invariant: "N nodes without Redis spend at most N × E, by the provider's log",
                bound: "\(beds.count * Self.allowance) micro-dollars (3 nodes × \(Self.allowance))",
                measured: "\(spent.reduce(0, +)) micro-dollars, all of them in the stream and in the budget afterwards"
            ).report()
        }
    }

    @Test func `F-R18: a Redis that comes and goes gives no new allowance`() async throws {
        try await withNodes(2, policy: Self.policy(allowance: 40_000), deadline: .milliseconds(300)) { beds, redis in
            let began = ContinuousClock.now
            let clients = Clients()
            // What the provider would bill for calls that were admitted without Redis: one at a time on each node.
            let blind = try await withThrowingTaskGroup(of: Int.self) { group in
                for bed in beds {
                    group.addTask {
                        var micros = 0
                        while !clients.isOver.withLock({ $0 }) {
                            let before = try self.billed(bed)
                            let asked = ContinuousClock.now
                            let answer = try await bed.send(bed.request(simulate: Self.simulate))
                            if answer.headers["weir-degraded"] == ["blind"] {
                                micros += try self.billed(bed) - before
                                clients.waits.withLock { $0.append(asked.duration(to: .now)) }
                            } else if answer.status != .ok {
                                clients.waits.withLock { $0.append(asked.duration(to: .now)) }
                            }
                        }
                        return micros
                    }
                }
                do {
                    for _ in 0..<4 {
                        redis.pause()
                        for bed in beds {
                            try await eventually("away", within: .seconds(20)) { try await !isIn("up", bed) }
                        }
                        redis.resume()
                        for bed in beds {
                            try await eventually("back", within: .seconds(20)) { try await isIn("up", bed) }
                        }
                    }
                    redis.pause()
                    for bed in beds {
                        try await eventually("used up", within: .seconds(60)) { try await isIn("closed", bed) }
                    }
                } catch {
                    clients.isOver.withLock { $0 = true }
                    redis.resume()
                    throw error
                }
                clients.isOver.withLock { $0 = true }
                return try await group.reduce(0, +)
            }
            redis.resume()
            let seconds = Int(began.duration(to: .now).components.seconds) + 1
            // E of each node, and what leaks back in the time that all this took.
            let bound = beds.count * (40_000 + 40_000 * seconds / 3_600)
            #expect(blind > 0 && blind <= bound)
            let sorted = clients.waits.withLock { $0.sorted() }
            let p99 = try #require(sorted.isEmpty ? nil : sorted[sorted.count * 99 / 100])
            try FaultReport(
                "F-R18", invariant: "a Redis that comes and goes gives no new allowance, by the provider's log",
                bound: "\(bound) micro-dollars (2 nodes × 40000 and what leaks back in \(seconds) s)",
                measured:
                    "\(blind) micro-dollars; of \(sorted.count) answers without Redis p99 \(p99), last \(sorted.last ?? p99)"
            ).report()
        }
    }

    @Test func `the decision API says the truth without consuming, and charges blind what nobody settles`() async throws
    {
        try await withNodes(1, policy: Self.policy(), deadline: .milliseconds(300)) { beds, redis in
            let bed = beds[0]
            func ask(_ path: String, _ body: String? = nil) async throws -> HTTPClient.Response {
                try await bed.send(
                    HTTPClient.Request(
                        url: bed.url + "/quota/v1/" + path, method: body == nil ? .GET : .POST,
                        headers: ["x-api-key": TestBed.key], body: body.map { .string($0) }))
            }
            func id(_ answer: HTTPClient.Response) -> String {
                String(answer.text.split(separator: #""id":""#).last?.prefix(26) ?? "")
            }
            #expect(try await ask("authz").headers["weir-degraded"] == [])
            redis.pause()
            let cost = #"{"cost_micros":9000,"lease_seconds":1}"#
            for (path, body) in [("authz", nil), ("check", cost)] {
                for _ in 0..<5 {
                    let answer = try await ask(path, body)
                    #expect(answer.status == .ok && answer.headers["weir-degraded"] == ["blind"], "\(path)")
                }
            }
            // Two fit: one is settled, renewed before, the other is forgotten.
            let settledLater = try await ask("reserve", #"{"cost_micros":9000,"lease_seconds":600}"#)
            let forgotten = try await ask("reserve", cost)
            #expect(settledLater.status == .ok && forgotten.status == .ok)
            #expect(settledLater.text.contains(#""limits":[]"#))
            let third = try await ask("reserve", cost)
            let check = try await ask("check", cost)
            #expect(third.status == .serviceUnavailable && check.status == .serviceUnavailable)
            #expect(try await ask("authz").status == .ok, "a micro-dollar still fits")
            let renewed = try await ask("renew", #"{"id":"\#(id(settledLater))","lease_seconds":600}"#)
            #expect(renewed.status == .ok)
            for status in [HTTPResponseStatus.ok, .serviceUnavailable] {
                // Settled once; after that only Redis knows.
                let answer = try await ask("settle", #"{"id":"\#(id(settledLater))","cost_micros":500}"#)
                #expect(answer.status == status, "\(answer.text)")
            }
            redis.resume()
            try await eventually("both are charged", within: .seconds(30)) { try await settled(redis) == 9_500 }
            let recorded = try await events(redis)
            #expect(Set(recorded.map(\.id)) == [id(settledLater), id(forgotten)])
            #expect(recorded.allSatisfy { $0.extra[UsageEvent.blind] == "1" })
            #expect(recorded.first { $0.id == id(forgotten) }?.outcome == .orphaned)
            try await eventually("the settlement stands", within: .seconds(20)) {
                try await ask("settle", #"{"id":"\#(id(settledLater))","cost_micros":500}"#).status == .ok
            }
            #expect(try await settled(redis) == 9_500)
        }
    }
}
