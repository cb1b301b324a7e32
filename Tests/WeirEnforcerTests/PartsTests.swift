import NIOCore
import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

/// Calls whose limits are in several shards.
@Suite struct PartsTests {
    static let everybodyAtOnce = 3
    static let everybodyMicros = 120_000
    static let productCalls = 60

    static let policy: Policy = {
        var policy = TestNode.policy
        policy.limits = [
            Limit(id: "user-spend", per: .user, unit: .usd, span: .period(.month), amount: 60_000),
            Limit(id: "all-at-once", per: .global, unit: .concurrency, span: .inFlight, amount: everybodyAtOnce),
            Limit(id: "all-spend", per: .global, unit: .usd, span: .period(.month), amount: everybodyMicros),
            Limit(
                id: "product-calls", per: .product, unit: .requests, span: .window(ms: 3_600_000), amount: productCalls),
            Limit(id: "ip-tokens", per: .ip, unit: .tokens, span: .window(ms: 3_600_000), amount: 40_000),
        ]
        return policy
    }()

    static func call(team: String = "acme", user: String? = "alice", product: String = "default", ip: String? = nil)
        -> Call
    {
        var call = TestNode.call(team: team, user: user, product: product)
        call.ip = ip
        return call
    }

    /// The values of all reservations with this id, in whatever shard.
    static func records(_ id: String, _ node: TestNode) async throws -> [String] {
        var records: [String] = []
        for shard in Shard.all(count: 16) {
            if let text = try await node.send("HGET", .string(RedisKeys.reservations(shard)), .string(id)).text {
                records.append(text)
            }
        }
        return records
    }

    static func isLive(_ record: String) -> Bool {
        // Beside the reservations stand the budgets, each with the time at which it expires.
        record.first?.isNumber == true && record.contains("\n")
    }

    /// Settled and reserved of a budget.
    static func budget(_ limit: String, _ subject: Subject, _ node: TestNode, team: String = "acme") async throws
        -> [Int]
    {
        let key = CounterKey(
            shard: Shard(of: subject, team: team, count: 16), limit: limit, subject: subject.text,
            counter: .budget(.month), atMs: node.enforcer.nowMs
        ).key
        guard case .array(let values) = try await node.send("HMGET", .string(key), "settled", "reserved") else {
            return []
        }
        return values.map { Int($0.text ?? "0") ?? -1 }
    }

    @Test func `a limit of everybody counts the calls of all teams together`() async throws {
        try await TestNode.run(policy: Self.policy) { (node) async throws in
            var held: [Reservation] = []
            for team in ["acme", "globex", "initech"] {
                var event = node.event(costMicros: 1_000)
                event.team = team
                guard case .admitted(let reservation) = try await node.admit(Self.call(team: team), event: event)
                else { throw RedisError.protocolViolation("denied") }
                held.append(reservation)
                #expect(Set(reservation.allHolds.map(\.limit)).isSuperset(of: ["all-at-once", "all-spend"]))
                #expect(reservation.sideParts.allSatisfy { $0.shard != reservation.shard })
            }
            let denial = try #require(try await node.denial(Self.call(team: "hooli")))
            #expect((denial.reason, denial.limit, denial.subject) == (.concurrencyExhausted, "all-at-once", "global"))
            #expect(denial.amountSource == .default)
            #expect(try await Self.budget("all-spend", .global, node) == [0, 15_000])
            for reservation in held {
                var event = node.event(reservation.id, costMicros: 1_000)
                event.team = reservation.call.team
                await node.enforcer.settle(reservation, as: event, on: node.loop)
                await node.enforcer.settle(reservation, as: event, on: node.loop)
            }
            #expect(try await Self.budget("all-spend", .global, node) == [3_000, 0])
            var events = 0
            for shard in Shard.all(count: 16) {
                guard case .integer(let count) = try await node.send("XLEN", .string(RedisKeys.usage(shard))) else {
                    throw RedisError.protocolViolation("XLEN")
                }
                events += count
            }
            #expect(events == held.count, "each event is handed on once, however many shards held the call")
            #expect(try await node.events().contains { $0.id == held[0].id }, "by the shard of its team")
            #expect(try await node.denial(Self.call(team: "hooli")) == nil)
        }
    }

    @Test func `a denial in one shard gives back what the others hold, before it is told`() async throws {
        var policy = Self.policy
        policy.limits[2].amount = 1
        try await TestNode.run(policy: policy) { (node) async throws in
            for _ in 0..<Self.everybodyAtOnce + 2 {
                let event = node.event()
                guard case .denied(let denial) = try await node.admit(Self.call(ip: "192.0.2.7"), event: event) else {
                    throw RedisError.protocolViolation("admitted")
                }
                #expect((denial.limit, denial.retryAfter) == ("all-spend", nil))
                #expect(try await Self.records(event.id, node).isEmpty, "a flood of denials leaves nothing")
            }
            #expect(try await Self.budget("user-spend", .user(team: "acme", id: "alice"), node) == [0, 0])
        }
    }

    @Test func `of several shards that deny, the one that lets wait longest is told`() async throws {
        var policy = Self.policy
        policy.limits = [
            Limit(id: "at-once", per: .user, unit: .concurrency, span: .inFlight, amount: 1),
            Limit(id: "all-calls", per: .global, unit: .requests, span: .window(ms: 60_000), amount: 1),
            Limit(id: "product-calls", per: .product, unit: .requests, span: .period(.month), amount: 1),
        ]
        try await TestNode.run(policy: policy) { (node) async throws in
            #expect(try await node.denial(Self.call()) == nil)
            #expect(try await node.denial(Self.call())?.limit == "product-calls")
        }
    }

    @Test func `a side shard that is not ready admits nothing anywhere`() async throws {
        try await TestNode.run(policy: Self.policy) { (node) async throws in
            let epoch = RedisArgument.string(RedisKeys.epoch(Shard(of: "global")))
            try await node.send("DEL", epoch)
            let event = node.event()
            await #expect(throws: EnforcerError.self) { try await node.admit(Self.call(), event: event) }
            #expect(await node.enforcer.drain(deadline: .now + .seconds(30)) == 0)
            #expect(try await Self.records(event.id, node).filter(Self.isLive).isEmpty)
            #expect(try await Self.budget("user-spend", .user(team: "acme", id: "alice"), node) == [0, 0])
            // A settlement waits for it.
            try await node.makeReady()
            let next = node.event(costMicros: 7)
            guard case .admitted(let reservation) = try await node.admit(Self.call(), event: next) else {
                throw RedisError.protocolViolation("denied")
            }
            try await node.send("DEL", epoch)
            await node.enforcer.settle(reservation, as: next, on: node.loop)
            #expect(node.enforcer.unsettledCount == 1)
            #expect(try await node.events().map(\.id) == [next.id])
            try await node.makeReady()
            #expect(await node.enforcer.drain(deadline: .now + .seconds(30)) == 0)
            #expect(try await Self.budget("all-spend", .global, node) == [7, 0])
        }
    }

    @Test func `a renewal reaches every part`() async throws {
        try await TestNode.run(policy: Self.policy) { (node) async throws in
            let event = node.event(costMicros: 9)
            guard case .admitted(let reservation) = try await node.admit(Self.call(), event: event) else {
                throw RedisError.protocolViolation("denied")
            }
            try await node.enforcer.renew(reservation, observed: event, on: node.loop)
            let records = try await Self.records(event.id, node)
            #expect(records.count == reservation.sideParts.count + 1)
            for record in records { #expect(record.contains(#""cost_micros":9"#)) }
            #expect(records.filter { $0.contains(#""side":true"#) }.count == reservation.sideParts.count)
        }
    }

    @Test(arguments: [1, 2, UInt64.random(in: 3...(.max))])
    func
        `in a random history on two nodes a call is held in all of its shards or in none, and nothing is over its amount`(
            seed: UInt64
        ) async throws
    {
        print("seed \(seed)")
        try await TestNode.run(policy: Self.policy) { (node) async throws in
            try await TestNode.withEnforcer(to: node.server) { enforcer, loop in
                try await enforcer.start()
                let other = TestNode(server: node.server, redis: node.redis, enforcer: enforcer, loop: loop)
                var history = History(seed: seed, nodes: [node, other])
                try await history.run()
            }
        }
    }
}

/// Waves of calls at the same time, and what the limits must hold after each.
private struct History {
    var generator: SeededGenerator
    let nodes: [TestNode]
    var live: [Reservation] = []
    /// Micro-dollars settled, by user.
    var settled: [Subject: Int] = [:]
    var admitted: [String: Int] = [:]
    var denied = 0
    var ended = 0

    init(seed: UInt64, nodes: [TestNode]) {
        generator = SeededGenerator(seed: seed)
        self.nodes = nodes
    }

    private var node: TestNode { nodes[0] }

    mutating func run() async throws {
        for wave in 0..<40 {
            try await admitSome()
            try await check("wave \(wave)")
            try await endSome(all: wave == 39)
            try await check("after wave \(wave)")
        }
        #expect(denied > 0 && ended > 20, "the history must do something: \(denied) denied, \(ended) ended")
        for node in nodes { #expect(node.enforcer.unsettledCount == 0) }
        for shard in Shard.all(count: 16) {
            guard case .array(let records) = try await node.send("HVALS", .string(RedisKeys.reservations(shard)))
            else { throw RedisError.protocolViolation("HVALS") }
            #expect(records.compactMap(\.text).allSatisfy { !PartsTests.isLive($0) })
        }
    }

    private mutating func admitSome() async throws {
        var calls: [(TestNode, Call, UsageEvent)] = []
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
            let node = nodes[Int.random(in: 0..<nodes.count, using: &generator)]
            let call = PartsTests.call(
                team: ["acme", "globex", "initech"].randomElement(using: &generator) ?? "acme",
                user: ["alice", "bob", nil].randomElement(using: &generator) ?? nil,
                product: ["default", "other"].randomElement(using: &generator) ?? "default",
                ip: ["192.0.2.1", "192.0.2.2", nil].randomElement(using: &generator) ?? nil)
            var event = node.event()
            event.team = call.team
            calls.append((node, call, event))
        }
        let answers = try await withThrowingTaskGroup(of: (String, Decision).self) { group in
            for (node, call, event) in calls {
                group.addTask { (event.id, try await node.admit(call, event: event)) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        for (id, answer) in answers {
            switch answer {
            case .admitted(let reservation):
                live.append(reservation)
                admitted[reservation.call.product, default: 0] += 1
            case .denied:
                denied += 1
                let left = try await PartsTests.records(id, node).filter(PartsTests.isLive)
                #expect(left.isEmpty, "seed \(generator.seed): a denied call holds something")
            }
        }
    }

    private mutating func endSome(all: Bool) async throws {
        for reservation in live where all || Int.random(in: 0...2, using: &generator) > 0 {
            live.removeAll { $0.id == reservation.id }
            ended += 1
            let node = nodes[Int.random(in: 0..<nodes.count, using: &generator)]
            if Int.random(in: 0...3, using: &generator) == 0 {
                await node.enforcer.release(reservation, on: node.loop)
                admitted[reservation.call.product, default: 0] -= 1
            } else {
                var event = node.event(reservation.id, costMicros: Int.random(in: 0...5_000, using: &generator))
                event.team = reservation.call.team
                await node.enforcer.settle(reservation, as: event, on: node.loop)
                let call = reservation.call
                let user = call.user.map { Subject.user(team: call.team, id: $0) } ?? .key(call.key)
                // Keys without a user are counted where their team is.
                if case .user = user { settled[user, default: 0] += event.cost.micros }
                settled[.global, default: 0] += event.cost.micros
            }
        }
    }

    /// What Redis holds is what this history did: no more, no less, nowhere too much.
    private func check(_ when: String) async throws {
        let at = "seed \(generator.seed), \(when)"
        try #require(live.count <= PartsTests.everybodyAtOnce, "\(at): too many at once")
        for reservation in live {
            let records = try await PartsTests.records(reservation.id, node)
            #expect(records.count == reservation.sideParts.count + 1, "\(at)")
            #expect(records.allSatisfy(PartsTests.isLive), "\(at)")
        }
        let all = try await PartsTests.budget("all-spend", .global, node)
        #expect(all == [settled[.global] ?? 0, live.count * 5_000], "\(at)")
        #expect(all.reduce(0, +) <= PartsTests.everybodyMicros, "\(at)")
        for team in ["acme", "globex", "initech"] {
            for id in ["alice", "bob"] {
                let user = Subject.user(team: team, id: id)
                let held = live.filter { $0.call.team == team && $0.call.user == id }.count * 5_000
                let budget = try await PartsTests.budget("user-spend", user, node, team: team)
                #expect(budget == [settled[user] ?? 0, held], "\(at): \(user.text)")
            }
        }
        for (product, count) in admitted {
            #expect(count <= PartsTests.productCalls, "\(at)")
            let subject = Subject.product(product)
            let key = CounterKey(
                shard: Shard(of: subject, team: "", count: 16), limit: "product-calls", subject: subject.text,
                counter: .log(windowMs: 3_600_000), atMs: 0
            ).key
            #expect(try await node.send("ZCARD", .string(key)) == .integer(count), "\(at): \(product)")
        }
    }
}
