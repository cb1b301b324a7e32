import NIOCore
import NIOPosix
import Synchronization
import Testing
import WeirCore
import WeirEnforcer
import WeirLedger
import WeirRedis
import WeirTestSupport

@testable import WeirAggregator

/// Somebody deletes what a shard that is ready holds, while nodes and an aggregator are at work.
@Suite struct LostBudgetTests {
    private static let amount = 1_000_000
    private static let shard = Shard(of: "acme")

    private static let policy: Policy = {
        var policy = testPolicy(credits: 1_000_000_000)
        policy.limits = [Limit(id: "spend", per: .user, unit: .usd, span: .period(.month), amount: amount)]
        policy.products["free"] = .init(callClass: "ai", billable: false)
        return policy
    }()

    private struct Node: Sendable {
        let enforcer: Enforcer
        let loop: any EventLoop

        func event(_ user: String, micros: Int) -> UsageEvent {
            UsageEvent(
                id: enforcer.makeReservationID(), calledAtMs: enforcer.nowMs, team: "acme", user: user, key: "k1",
                product: "free", billable: false, callClass: "ai", endpoint: "messages", provider: "anthropic",
                requestedModel: "m", model: "m", tokens: TokenUsage(input: 10), cost: MicroUSD(micros: micros),
                priceVersion: "1", status: 200)
        }

        func admit(_ event: UsageEvent) async throws -> Decision {
            let call = Call(
                team: "acme", user: event.user, key: "k1", product: "free", callClass: "ai", billable: false,
                resource: nil, model: "m")
            let estimate = Estimate(
                tokens: 100, cost: MicroUSD(micros: 900), observed: TokenUsage(input: 10),
                observedCost: MicroUSD(micros: 3))
            return try await enforcer.admit(call, estimate: estimate, event: event, on: loop)
        }

        func hold(_ user: String) async throws -> (Reservation, UsageEvent) {
            let event = event(user, micros: 700)
            guard case .admitted(let reservation) = try await admit(event) else { throw NotAdmitted() }
            return (reservation, event)
        }

        func settle(_ held: (Reservation, UsageEvent)) async { await enforcer.settle(held.0, as: held.1, on: loop) }
    }

    private struct NotAdmitted: Error {}

    private struct World: Sendable {
        let deployment: TestDeployment
        let node: Node

        func key(_ user: String) -> String {
            let month = Period.month.containing(ms: node.enforcer.nowMs)
            return RedisKeys.budget(shard, limit: "spend", subject: "user:acme/\(user)", period: month)
        }

        /// Settled and reserved; nil: there is none.
        func budget(_ user: String) async throws -> [String?]? {
            guard
                case .array(let fields) = try await deployment.send(
                    "HMGET", .string(key(user)), "settled", "reserved")
            else { return nil }
            return fields == [.null, .null] ? nil : fields.map(\.words)
        }

        func delete(_ user: String) async throws {
            #expect(try await deployment.send("DEL", .string(key(user))) == .integer(1))
        }
    }

    private static func run(_ body: (World) async throws -> Void) async throws {
        try await TestDeployment.run { deployment in
            _ = try await deployment.ledger.appendPolicy(policy, yaml: "", note: "", audit: testAudit)
            let now = try await AggregatorRedis(pool: deployment.pool, deadline: .seconds(10), fixedNowMs: nil).nowMs()
            _ = try await deployment.ledger.ingest(
                [event("debt", user: "full", product: "free", cost: amount - 500, atMs: now)], deadLetters: [])
            let aggregator = deployment.aggregator(clock: nil) { $0.leaderLease = .seconds(3) }
            let running = Task { try await aggregator.run() }
            let group = MultiThreadedEventLoopGroup.singleton
            var configuration = try RedisConfiguration(url: deployment.server.url)
            configuration.commandDeadline = .seconds(2)
            let pool = RedisPool(configuration: configuration, group: group, logger: .silent)
            let enforcer = Enforcer(
                configuration: .init(lease: .seconds(600)), redis: configuration, pool: pool, group: group,
                logger: .silent)
            let result: Result<Void, any Error>
            do {
                try await enforcer.start()
                try await body(World(deployment: deployment, node: Node(enforcer: enforcer, loop: group.next())))
                result = .success(())
            } catch {
                result = .failure(error)
            }
            await enforcer.stop()
            running.cancel()
            _ = await running.result
            try result.get()
        }
    }

    @Test func `F-R3: a deleted budget is never taken for unspent, is made anew, and nobody else notices`() async throws
    {
        let rounds = FaultReport.rounds(3, full: 30)
        try await Self.run { world in
            let node = world.node
            let full = ["\(Self.amount - 500)", "0"]
            #expect(try await world.budget("full") == full)
            var live: [(Reservation, UsageEvent)] = []
            for _ in 0..<(rounds + 1) { live.append(try await node.hold("live")) }
            // Another user of the same shard, at work all the time.
            let goesOn = Atomic<Bool>(true)
            let refused = Atomic<Int>(0)
            let neighbour = Task {
                var calls = 0
                while goesOn.load(ordering: .relaxed) {
                    if let held = try? await node.hold("neighbour") {
                        await node.settle(held)
                        calls += 1
                        // Within its amount.
                        if calls > 1_000 { break }
                    } else {
                        refused.wrappingAdd(1, ordering: .relaxed)
                    }
                    try? await Task.sleep(for: .milliseconds(5))
                }
                return calls
            }
            var slowest = Duration.zero
            var slipped = 0
            for round in 0..<rounds {
                for user in ["full", "live"] { try await world.delete(user) }
                let deleted = ContinuousClock.now
                // A call that ends now must not make a budget that begins with its own usage.
                await node.settle(live.removeLast())
                var known = false
                var isMissed = false
                while !known {
                    do {
                        switch try await node.admit(node.event("full", micros: 0)) {
                        case .admitted: slipped += 1
                        case .denied(let denial):
                            #expect(denial.reason == .budgetExhausted)
                            known = true
                        }
                    } catch EnforcerError.degraded(let reason) {
                        #expect(reason.contains(world.key("full")))
                        isMissed = true
                    }
                    #expect(deleted.duration(to: .now) < .seconds(30), "round \(round)")
                    if deleted.duration(to: .now) > .seconds(30) { break }
                    try await Task.sleep(for: .milliseconds(2))
                }
                #expect(isMissed, "round \(round)")
                slowest = max(slowest, deleted.duration(to: .now))
                #expect(try await world.budget("full") == full)
                try await eventually("settled once it was there again") { node.enforcer.unsettledCount == 0 }
                try await eventually("charged, and the rest held") {
                    try await world.budget("live") == ["\(700 * (round + 1))", "\(900 * live.count)"]
                }
            }
            goesOn.store(false, ordering: .relaxed)
            let calls = await neighbour.value
            #expect(slipped == 0)
            #expect(refused.load(ordering: .relaxed) == 0 && calls > 0)
            for held in live { await node.settle(held) }
            try await eventually("all is settled") {
                let held = try await [world.budget("live"), world.budget("neighbour")]
                return held == [["\(700 * (rounds + 1))", "0"], ["\(700 * calls)", "0"]]
            }
            try FaultReport(
                "F-R3", invariant: "L1 R1: a deleted budget is not unspent, comes back by itself, others go on",
                bound: "0 admitted, 0 others denied, 0 micro-dollars off",
                measured:
                    "\(slipped) admitted, \(refused.load(ordering: .relaxed)) others denied, 0 micro-dollars off, back after \(slowest) at most"
            ).report()
        }
    }

    @Test func `F-R3: with a shard's reservations deleted it is closed, and made ready as it was`() async throws {
        try await Self.run { world in
            let node = world.node
            let held = [try await node.hold("live"), try await node.hold("live")]
            await node.settle(try await node.hold("live"))
            let reservations = RedisArgument.string(RedisKeys.reservations(Self.shard))
            let epoch = try await world.deployment.send("GET", .string(RedisKeys.epoch(Self.shard))).words
            try await world.deployment.send("DEL", reservations)
            try await eventually("closed, and ready again", within: .seconds(30)) {
                for (reservation, event) in held {
                    try? await node.enforcer.renew(reservation, observed: event, on: node.loop)
                }
                let now = try await world.deployment.send("GET", .string(RedisKeys.epoch(Self.shard))).words
                return now != nil && now != epoch
            }
            #expect(try await world.budget("live") == ["700", "1800"])
            #expect(try await world.deployment.send("HEXISTS", reservations, .string(world.key("live"))) == .integer(1))
            for held in held { await node.settle(held) }
            try await eventually("all is settled") { try await world.budget("live") == ["2100", "0"] }
        }
    }
}
