import Logging
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

/// Redis loses what it held while nodes and an aggregator are at work. The witness is what the callers themselves wrote down.
@Suite struct RebuildTests {
    private static let amount = 1_000_000_000
    private static let users = ["ann", "ben", "cy"]

    private static func policy() -> Policy {
        var policy = testPolicy(credits: 1_000)
        policy.limits = [
            policy.limits[0],
            Limit(id: "spend", per: .user, unit: .usd, span: .period(.month), amount: amount),
            Limit(id: "at-once", per: .team, unit: .concurrency, span: .inFlight, amount: 1_000),
        ]
        policy.products["free"] = .init(callClass: "ai", billable: false)
        return policy
    }

    /// What the callers have seen.
    private final class Witness: Sendable {
        struct State {
            var settled: [String: (user: String, micros: Int)] = [:]
            var slipped = 0
            var admitted = 0
        }
        let state = Mutex(State())
        let isOver = Atomic<Bool>(false)
        var goesOn: Bool { !isOver.load(ordering: .relaxed) }
        var admitted: Int { state.withLock { $0.admitted } }
    }

    private struct Node: Sendable {
        let enforcer: Enforcer
        let loop: any EventLoop

        func call(team: String, user: String, product: String) -> Call {
            Call(
                team: team, user: user, key: "k1", product: product, callClass: "ai",
                billable: product == "slack_app", resource: product == "slack_app" ? "ai_credits" : nil, model: "m")
        }

        func event(team: String, user: String, product: String, micros: Int = 0) -> UsageEvent {
            UsageEvent(
                id: enforcer.makeReservationID(), calledAtMs: enforcer.nowMs, team: team, user: user, key: "k1",
                product: product, billable: product == "slack_app", callClass: "ai", endpoint: "messages",
                provider: "anthropic", requestedModel: "m", model: "m", tokens: TokenUsage(input: 10),
                cost: MicroUSD(micros: micros), priceVersion: "1", status: 200)
        }

        func admit(_ event: UsageEvent) async throws -> Reservation? {
            let estimate = Estimate(
                tokens: 100, cost: MicroUSD(micros: 900), observed: TokenUsage(input: 10),
                observedCost: MicroUSD(micros: 3))
            let call = call(team: event.team, user: event.user ?? "", product: event.product)
            let decision = try await enforcer.admit(call, estimate: estimate, event: event, on: loop)
            if case .admitted(let reservation) = decision { return reservation }
            return nil
        }

        /// Calls one after the other, each of a random cost.
        func work(_ witness: Witness, user: String, seed: UInt64) async {
            var random = SeededGenerator(seed: seed)
            while witness.goesOn {
                let micros = Int.random(in: 1...900, using: &random)
                let event = event(team: "acme", user: user, product: "free", micros: micros)
                guard let reservation = try? await admit(event) else {
                    try? await Task.sleep(for: .milliseconds(1))
                    continue
                }
                witness.state.withLock { $0.admitted += 1 }
                if Int.random(in: 0..<3, using: &random) == 0 { try? await Task.sleep(for: .milliseconds(3)) }
                witness.state.withLock { $0.settled[event.id] = (user, micros) }
                await enforcer.settle(reservation, as: event, on: loop)
            }
        }

        /// A call that lives through everything, renewed when the node says so, as the gateway does.
        func live(_ witness: Witness, user: String) async throws {
            let event = event(team: "acme", user: user, product: "free", micros: 777)
            guard let reservation = try await admit(event) else { return }
            var round = enforcer.announcements
            var renewed = ContinuousClock.now
            while witness.goesOn {
                if enforcer.announcements != round || renewed.duration(to: .now) > .milliseconds(500) {
                    round = enforcer.announcements
                    renewed = .now
                    try? await enforcer.renew(reservation, observed: event, on: loop)
                }
                try? await Task.sleep(for: .milliseconds(5))
            }
            witness.state.withLock { $0.settled[event.id] = (user, 777) }
            await enforcer.settle(reservation, as: event, on: loop)
        }

        /// A team that is over its credits asks all the time.
        func knock(_ witness: Witness) async {
            while witness.goesOn {
                let event = event(team: "over", user: "ann", product: "slack_app")
                if let reservation = try? await admit(event) {
                    witness.state.withLock { $0.slipped += 1 }
                    await enforcer.release(reservation, on: loop)
                }
                try? await Task.sleep(for: .milliseconds(2))
            }
        }
    }

    /// Runs nodes, callers and an aggregator, loses Redis's data as `lose` does, and compares the books in the end.
    private func survive(
        _ fault: String, arguments: [String], losses: Int, seed: UInt64,
        lose: @escaping @Sendable (TestDeployment) async throws -> Void
    ) async throws {
        var random = SeededGenerator(seed: seed)
        try await TestDeployment.run(arguments: arguments) { deployment in
            _ = try await deployment.ledger.appendPolicy(Self.policy(), yaml: "", note: "", audit: testAudit)
            let now = try await AggregatorRedis(pool: deployment.pool, deadline: .seconds(10), fixedNowMs: nil).nowMs()
            _ = try await deployment.ledger.ingest(
                [event("debt", team: "over", cost: 2_000, atMs: now)], deadLetters: [])
            let aggregator = deployment.aggregator(clock: nil) {
                $0.announceGrace = .seconds(1)
                $0.leaderLease = .seconds(3)
                $0.redisDeadline = .seconds(2)
            }
            let running = Task { try await aggregator.run() }
            let nodes = try await Self.nodes(2, deployment)
            let witness = Witness()
            let work = Task {
                await withTaskGroup { group in
                    for (number, node) in nodes.enumerated() {
                        for user in Self.users {
                            let seed = seed &+ UInt64(number * 7 + user.utf8.count)
                            group.addTask { await node.work(witness, user: user, seed: seed) }
                        }
                        group.addTask { try? await node.live(witness, user: "live") }
                        group.addTask { await node.knock(witness) }
                    }
                }
            }
            var slowest = Duration.zero
            let result: Result<Void, any Error>
            do {
                for _ in 0..<losses {
                    let before = witness.admitted
                    try await eventually("calls go on") { witness.admitted > before + 20 }
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0...300, using: &random)))
                    try await lose(deployment)
                    let lost = ContinuousClock.now
                    let admitted = witness.admitted
                    try await eventually("admitted again, seed \(seed)", within: .seconds(60)) {
                        witness.admitted > admitted + 20
                    }
                    slowest = max(slowest, lost.duration(to: .now))
                }
                result = .success(())
            } catch {
                result = .failure(error)
            }
            witness.isOver.store(true, ordering: .relaxed)
            await work.value
            for node in nodes { #expect(await node.enforcer.drain(deadline: .now + .seconds(60)) == 0) }
            try result.get()
            try await Self.expectBooks(witness, deployment, seed: seed)
            for node in nodes { await node.enforcer.stop() }
            running.cancel()
            _ = await running.result
            let slipped = witness.state.withLock { $0.slipped }
            #expect(slipped == 0, "seed \(seed): a limited team was admitted")
            try FaultReport(
                fault, invariant: "no limited call slips through, counters equal the ledger, none counted twice",
                bound: "0 slipped, 0 micro-dollars off",
                measured: "\(slipped) slipped, 0 micro-dollars off, admitting again after \(slowest) at most"
            ).report()
        }
    }

    private static func nodes(_ count: Int, _ deployment: TestDeployment) async throws -> [Node] {
        var nodes: [Node] = []
        for _ in 0..<count {
            let group = MultiThreadedEventLoopGroup.singleton
            var configuration = try RedisConfiguration(url: deployment.server.url(as: .gateway))
            configuration.commandDeadline = .seconds(2)
            let pool = RedisPool(configuration: configuration, group: group, logger: .silent)
            let enforcer = Enforcer(
                configuration: .init(lease: .seconds(2)), redis: configuration, pool: pool, group: group,
                logger: .silent)
            try await enforcer.start()
            nodes.append(Node(enforcer: enforcer, loop: group.next()))
        }
        return nodes
    }

    /// Whatever the ledger has is what a caller paid, once; and each budget holds exactly what the ledger has.
    private static func expectBooks(_ witness: Witness, _ deployment: TestDeployment, seed: UInt64) async throws {
        let settled = witness.state.withLock { $0.settled }
        let days = DayRange(first: UTCDay(number: 0), last: UTCDay(number: 100_000))
        var last = ""
        func isRight() async throws -> Bool {
            for shard in Shard.all(count: 16) {
                guard try await deployment.send("XLEN", .string(RedisKeys.usage(shard))) == .integer(0) else {
                    return false
                }
            }
            let spends = try await deployment.ledger.spend(by: .user, in: days, of: .all)
            for spend in spends where spend.team == "acme" {
                let subject = Subject.user(team: "acme", id: spend.user ?? "").text
                let shard = Shard(of: "acme")
                guard
                    case .array(let keys) = try await deployment.send(
                        "KEYS", "weir:\(shard.tag):budget:spend:\(subject):*"),
                    let key = keys.first?.words,
                    case .array(let fields) = try await deployment.send("HMGET", .string(key), "settled", "reserved")
                else { return false }
                last = "\(key): \(fields), ledger \(spend.totals.cost.micros)"
                guard fields[0].words == "\(spend.totals.cost.micros)", fields[1].words ?? "0" == "0" else {
                    return false
                }
            }
            return true
        }
        do {
            try await eventually("the budgets hold what the ledger has", within: .seconds(60)) { try await isRight() }
        } catch is ConditionNotMet {
            Issue.record("the budgets do not hold what the ledger has, seed \(seed): \(last)")
        }
        var events: [UsageEvent] = []
        while true {
            let page = try await deployment.ledger.events(in: days, after: events.last, limit: 10_000)
            events += page
            if page.count < 10_000 { break }
        }
        #expect(Set(events.map(\.id)).count == events.count, "seed \(seed)")
        for event in events where event.team == "acme" {
            // One that an old snapshot brought back to life, and whose end was lost with Redis, is charged as an orphan.
            if event.outcome == .orphaned { continue }
            #expect(settled[event.id]?.micros == event.cost.micros, "seed \(seed): \(event.id)")
        }
        #expect(try await deployment.ledger.verify() == [], "seed \(seed)")
    }

    @Test func `F-R2: FLUSHALL under load at random times, and all is as it was`() async throws {
        let seed = SeededGenerator().seed
        print("seed \(seed)")
        try await survive("F-R2", arguments: [], losses: 3, seed: seed) { deployment in
            try await deployment.send("FLUSHALL")
        }
    }

    @Test(arguments: [
        ["--appendonly", "yes", "--appendfsync", "always"], ["--save", "3600 1"], [],
    ])
    func `F-R1: Redis killed and started again with its log, an old snapshot, or nothing`(arguments: [String])
        async throws
    {
        let seed = SeededGenerator().seed
        print("seed \(seed)")
        try await survive("F-R1", arguments: arguments, losses: 1, seed: seed) { deployment in
            if arguments.contains("--save") {
                try await deployment.send("SAVE")
                try await Task.sleep(for: .milliseconds(Int.random(in: 50...300)))
            }
            try await deployment.restartRedis()
        }
    }

    @Test func `two leaders that rebuild at once make the same as one`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply()
            let events = (0..<50).map { event("e\($0)", user: "u\($0 % 7)", cost: $0) }
            _ = try await deployment.ledger.ingest(events, deadLetters: [])
            func budgets() async throws -> [String: String] {
                var values: [String: String] = [:]
                for (key, value) in try await deployment.everything() where key.contains(":budget:") {
                    values[key] = value
                }
                return values
            }
            let one = deployment.aggregator("one")
            _ = try await one.ingest()
            try await one.lead()
            let expected = try await budgets()
            #expect(expected.count == 8)
            for _ in 0..<5 {
                try await deployment.send("FLUSHALL")
                let names = ["one", "two", "three"]
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for name in names {
                        let aggregator = deployment.aggregator(name)
                        group.addTask {
                            for _ in 0..<5 {
                                try await aggregator.lead()
                                // Whoever leads is taken for dead, so that all of them rebuild.
                                try await deployment.send("DEL", .string(RedisKeys.leader))
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                try await eventually("rebuilt") {
                    try await deployment.aggregator("last").lead()
                    try await deployment.send("DEL", .string(RedisKeys.leader))
                    return try await deployment.send("EXISTS", .string(RedisKeys.epoch(Shard(of: "acme"))))
                        == .integer(1)
                }
                #expect(try await budgets() == expected)
            }
        }
    }
}
