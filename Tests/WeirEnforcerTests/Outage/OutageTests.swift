import Testing
import WeirCore
import WeirTestSupport

@testable import WeirEnforcer
@testable import WeirRedis

/// A node whose Redis stops, dies, comes back, or refuses.
@Suite struct OutageTests {
    /// An estimate of ``TestNode`` costs 5,000 micro-dollars: four of them fit.
    static let allowance = MicroUSD(micros: 20_000)

    static func policy(openForMs: Int = 3_600_000, allowance: MicroUSD = allowance) -> Policy {
        var policy = TestNode.policy
        policy.outage = .init(openForMs: openForMs, allowance: allowance)
        return policy
    }

    private static let sha256 = String(repeating: "cd", count: 32)

    private func identify(_ node: TestNode, _ sha256: String = sha256) async throws -> APIKeyRecord? {
        try await node.enforcer.identify(keySHA256: sha256, on: node.loop)
    }

    @Test func `calls that Redis does not answer are admitted blind up to the allowance, and charged afterwards`()
        async throws
    {
        try await TestNode.run(policy: Self.policy(), deadline: .milliseconds(300)) { (node) async throws in
            #expect(try await node.reservation()?.blind == nil)
            node.server.pause()
            var blind: [Reservation] = []
            for _ in 0..<12 { if let made = try? await node.reservation() { blind.append(made) } }
            #expect(blind.count == 4)
            #expect(blind.allSatisfy { $0.blind?.taken.micros == 5_000 && $0.blind?.allowance == "*" })
            #expect(blind.first?.holds.map(\.limit) == ["calls", "spend", "at-once"])
            #expect(blind.first?.holds.map(\.held) == [0, 0, 0])
            #expect(node.standing?.state == "open" && node.standing?.remaining == .zero)
            // A renewal has nothing to renew; what was not used is there for others.
            try await node.enforcer.renew(blind[0], observed: node.event(), on: node.loop)
            for reservation in blind.prefix(2) { await node.settle(reservation, micros: 1_000) }
            await node.enforcer.release(blind[2], on: node.loop)
            #expect(node.standing?.remaining.micros == 13_000)
            #expect(node.standing?.spent.micros == 2_000 && node.standing?.calls == 4)
            blind = [blind[3]]
            for _ in 0..<12 { if let made = try? await node.reservation() { blind.append(made) } }
            #expect(blind.count == 3)
            for reservation in blind { await node.settle(reservation, micros: 1_000) }
            node.server.resume()
            #expect(await node.enforcer.drain(deadline: .now + .seconds(30)) == 0)
            try await eventually("charged once, nothing held but by the first", within: .seconds(20)) {
                try await node.spend() == [5_000, 5_000]
            }
            let events = try await node.events()
            #expect(events.count == 5 && Set(events.map(\.id)).count == 5)
            #expect(events.allSatisfy { $0.extra[UsageEvent.blind] == "1" })
            try await eventually("Redis decides again", within: .seconds(20)) {
                guard let made = try await node.reservation() else { return false }
                await node.enforcer.release(made, on: node.loop)
                return made.blind == nil && node.standing?.state == "up"
            }
            #expect(node.standing?.remaining.micros ?? 0 >= 15_000)
        }
    }

    @Test func `the last known switch, limited set and keys stay in force, however long Redis is away`() async throws {
        try await TestNode.run(policy: Self.policy(), deadline: .milliseconds(200)) { (node) async throws in
            let fields = APIKeyRecord(id: "k1", team: "acme").fields.flatMap {
                [RedisArgument.string($0.name), .string($0.value)]
            }
            _ = try await node.redis.send(["HSET", .string(RedisKeys.apiKey(sha256: Self.sha256))] + fields)
            try await node.send("HSET", .string(RedisKeys.killSwitch), "team:globex", "on")
            try await node.send("ZADD", .string(RedisKeys.limitedSet(resource: "ai_credits")), "4102444800", "initech")
            try await eventually("all is known") {
                let stopped = try await node.denial(TestNode.call(team: "globex"))?.reason
                let limited = try await node.denial(TestNode.call(team: "initech"))?.reason
                guard try await identify(node) != nil else { return false }
                return (stopped, limited) == (.killSwitch, .teamLimited)
            }
            node.server.pause()
            defer { node.server.resume() }
            for isTooOld in [false, true] {
                if isTooOld {
                    try await eventually("what is known is old", within: .seconds(20)) {
                        (try? node.enforcer.replica.current()) == nil
                    }
                }
                #expect(try await node.denial(TestNode.call(team: "globex"))?.reason == .killSwitch)
                #expect(try await node.denial(TestNode.call(team: "initech"))?.reason == .teamLimited)
                #expect(try await node.reservation()?.blind != nil)
                #expect(try await identify(node)?.team == "acme")
                await #expect(throws: EnforcerError.self, "a key that is not in memory") {
                    try await identify(node, String(repeating: "ef", count: 32))
                }
                #expect(try node.enforcer.policy() == Self.policy())
                #expect(node.enforcer.unreadyReason == nil, "open")
            }
        }
    }

    @Test func `a Redis that was emptied is an outage, until it is whole again nobody slips through`() async throws {
        try await TestNode.run(policy: Self.policy(), deadline: .milliseconds(500)) { (node) async throws in
            let fields = APIKeyRecord(id: "k1", team: "acme").fields.flatMap {
                [RedisArgument.string($0.name), .string($0.value)]
            }
            let limitedSet = RedisArgument.string(RedisKeys.limitedSet(resource: "ai_credits"))
            _ = try await node.redis.send(["HSET", .string(RedisKeys.apiKey(sha256: Self.sha256))] + fields)
            try await node.send("HSET", .string(RedisKeys.killSwitch), "team:globex", "on")
            try await node.send("ZADD", limitedSet, "4102444800", "initech")
            func expectAllInForce(_ when: Comment) async throws {
                #expect(try await node.denial(TestNode.call(team: "globex"))?.reason == .killSwitch, when)
                #expect(try await node.denial(TestNode.call(team: "initech"))?.reason == .teamLimited, when)
                #expect(try await identify(node)?.team == "acme", when)
            }
            try await eventually("all is known") {
                let stopped = try await node.denial(TestNode.call(team: "globex"))?.reason
                let limited = try await node.denial(TestNode.call(team: "initech"))?.reason
                guard try await identify(node) != nil else { return false }
                return (stopped, limited) == (.killSwitch, .teamLimited)
            }
            try await node.send("FLUSHALL")
            try await expectAllInForce("at once")
            #expect(try await node.reservation()?.blind != nil)
            try await eventually("it was read again") {
                if case .outage = node.enforcer.replica.problem { true } else { false }
            }
            try await expectAllInForce("once it was read")
            await #expect(throws: EnforcerError.self, "who may only not be back yet is not unknown") {
                try await identify(node, String(repeating: "ef", count: 32))
            }
            // Keys and policy are back, the rest is not.
            _ = try await node.redis.send(["HSET", .string(RedisKeys.apiKey(sha256: Self.sha256))] + fields)
            let before = try #require(node.enforcer.replica.readAt)
            try await node.publish(Self.policy())
            try await eventually("it was read again") { node.enforcer.replica.readAt ?? before > before }
            try await expectAllInForce("with the policy alone")
            try await node.makeReady()
            try await eventually("what is not there now was taken back") {
                try await node.denial(TestNode.call(team: "initech")) == nil
            }
            #expect(try await node.reservation()?.blind == nil)
        }
    }

    @Test func `a product with a policy of its own has its own allowance, all others share one`() async throws {
        var policy = Self.policy(allowance: MicroUSD(micros: 10_000))
        policy.products["search"]?.outage = .init(openForMs: 3_600_000, allowance: MicroUSD(micros: 15_000))
        policy.products["closed"] = .init(callClass: "ai", billable: true, outage: .init())
        policy.products["other"] = .init(callClass: "ai", billable: true)
        try await TestNode.run(policy: policy, deadline: .milliseconds(200)) { (node) async throws in
            node.server.pause()
            defer { node.server.resume() }
            var admitted: [String: Int] = [:]
            for _ in 0..<5 {
                for product in ["default", "other", "search", "closed"] {
                    if try await node.isAdmitted(product: product) { admitted[product, default: 0] += 1 }
                }
            }
            #expect(admitted == ["default": 1, "other": 1, "search": 3])
            let states = node.enforcer.outageStandings
            #expect(states.map(\.product) == ["*", "closed", "search"])
            #expect(states.map(\.state) == ["open", "closed", "open"])
        }
    }

    @Test func `asking takes nothing of the allowance, and answers what a call would be answered`() async throws {
        try await TestNode.run(policy: Self.policy(), deadline: .milliseconds(200)) { (node) async throws in
            node.server.pause()
            defer { node.server.resume() }
            let question = node.event(ReservationID.none.text)
            for _ in 0..<10 {
                guard case .admitted(let forecast) = try await node.admit(event: question) else { continue }
                #expect(forecast.blind != nil)
            }
            #expect(node.standing?.remaining == Self.allowance)
            for _ in 0..<4 { #expect(try await node.reservation() != nil) }
            await #expect(throws: EnforcerError.self) { _ = try await node.admit(event: question) }
            #expect(node.standing?.calls == 4)
        }
    }

    /// How Redis can be there and yet give no answer.
    enum Refusal: CaseIterable { case notReady, full, readOnly }

    @Test(arguments: Refusal.allCases)
    func `a shard that is not ready, a full Redis and a replica count as away, until they are not`(refusal: Refusal)
        async throws
    {
        try await TestNode.run(policy: Self.policy()) { (node) async throws in
            let epoch = RedisArgument.string(RedisKeys.epoch(Shard(of: "acme")))
            switch refusal {
            case .notReady: try await node.send("DEL", epoch)
            case .full: try await node.send("CONFIG", "SET", "maxmemory", "1")
            case .readOnly: try await node.send("REPLICAOF", "127.0.0.1", "1")
            }
            #expect(try await node.reservation()?.blind != nil)
            #expect(node.standing?.state == "open")
            switch refusal {
            case .notReady: try await node.send("SET", epoch, WeirTestSupport.epoch(of: node.redis, mark: "2"))
            case .full: try await node.send("CONFIG", "SET", "maxmemory", "0")
            case .readOnly: try await node.send("REPLICAOF", "NO", "ONE")
            }
            try await eventually("Redis decides again", within: .seconds(20)) {
                guard let made = try? await node.reservation() else { return false }
                await node.enforcer.release(made, on: node.loop)
                return made.blind == nil && node.standing?.state == "up"
            }
        }
    }

    @Test func `what a limit in one shard denies is not admitted because another shard gives no answer`() async throws {
        var policy = Self.policy()
        policy.limits.append(
            Limit(id: "all", per: .global, unit: .requests, span: .window(ms: 3_600_000), amount: 1_000))
        try await TestNode.run(policy: policy) { (node) async throws in
            let global = Shard(of: .global, team: "acme", count: 16)
            try #require(global != Shard(of: "acme"), "the limit is counted in another shard")
            for _ in 0..<20 { #expect(try await node.reservation()?.blind == nil) }
            try await node.send("DEL", .string(RedisKeys.epoch(global)))
            #expect(try await node.denial()?.reason == .concurrencyExhausted)
            #expect(node.standing?.calls == 0)
        }
    }

    @Test func `a closed node is not ready, unless Redis decides other calls`() async throws {
        try await TestNode.run { (node) async throws in
            let epoch = RedisArgument.string(RedisKeys.epoch(Shard(of: "acme")))
            try await node.send("DEL", epoch)
            await #expect(throws: EnforcerError.self) { try await node.reservation() }
            #expect(node.standing?.state == "closed")
            #expect(node.enforcer.unreadyReason?.hasPrefix("closed: ") == true)
            // As long as something fails it is not over.
            try await eventually("ready, since Redis decides") {
                await #expect(throws: EnforcerError.self) { try await node.reservation() }
                let other = try #require(try await node.reservation(TestNode.call(team: "globex")))
                await node.enforcer.release(other, on: node.loop)
                return node.enforcer.unreadyReason == nil && node.standing?.state == "closed"
            }
            try await node.send("SET", epoch, WeirTestSupport.epoch(of: node.redis, mark: "2"))
            try await eventually("up") {
                let made = try #require(try await node.reservation())
                await node.enforcer.release(made, on: node.loop)
                return node.standing?.state == "up"
            }
        }
    }

    @Test func `only what Redis does not answer is an outage`() {
        let away: [RedisError] = [
            .timedOut, .unavailable(reason: ""), .disconnected(reason: ""), .serverBusy("LOADING"),
            .writeRefused("OOM"),
        ]
        #expect(away.allSatisfy { EnforcerError($0).isOutage })
        let refused = [
            "NOAUTH", "WRONGPASS", "NOPERM", "CROSSSLOT", "MOVED 1 x", "DENIED", "ERR max number of clients reached",
            "ERR invalid password", "ERR user_script", "WRONGTYPE", "NOSCRIPT",
        ].map { RedisError(reply: $0) }
        for error in refused + [.protocolViolation(""), .cancelled] { #expect(!EnforcerError(error).isOutage) }
    }
}

extension TestNode {
    /// Nil: denied.
    func reservation(_ call: Call = call()) async throws -> Reservation? {
        if case .admitted(let reservation) = try await admit(call) { reservation } else { nil }
    }

    func isAdmitted(product: String) async throws -> Bool {
        do {
            let isSearch = product == "search"
            let call = Self.call(product: product, callClass: isSearch ? "lookup" : "ai", billable: !isSearch)
            return try await reservation(call) != nil
        } catch is EnforcerError { return false }
    }

    func settle(_ reservation: Reservation, micros: Int) async {
        var event = event(reservation.id, costMicros: micros)
        event.calledAtMs = reservation.admittedAtMs
        await enforcer.settle(reservation, as: event, on: loop)
    }

    /// Under the policy of all products without one of their own.
    var standing: OutageStanding? { enforcer.outageStandings.first { $0.product == "*" } }
}
