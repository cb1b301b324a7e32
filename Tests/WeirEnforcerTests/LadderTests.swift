import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

@Suite struct LadderTests {
    static func candidate(_ model: String, micros: Int, leastMicros: Int? = nil) -> Candidate {
        func estimate(_ micros: Int) -> Estimate {
            Estimate(
                tokens: micros, cost: MicroUSD(micros: micros), observed: TokenUsage(input: micros / 100),
                observedCost: MicroUSD(micros: micros / 100))
        }
        return Candidate(model: model, estimate: estimate(micros), least: leastMicros.map(estimate))
    }

    static let candidates = [
        candidate("dear", micros: 200_000, leastMicros: 2_000), candidate("middle", micros: 50_000, leastMicros: 500),
        candidate("cheap", micros: 10_000, leastMicros: 100),
    ]

    static func policy(clamp: Bool = false, others: [Limit] = []) -> Policy {
        var policy = TestNode.policy
        policy.limits =
            [
                Limit(
                    id: "spend", per: .user, unit: .usd, span: .period(.month), amount: 1_000_000, downgradeAt: 8_000,
                    clamp: clamp)
            ] + others
        return policy
    }

    private func admit(_ node: TestNode, _ candidates: [Candidate] = candidates) async throws -> Decision {
        var call = TestNode.call()
        call.model = candidates[0].model
        return try await node.enforcer.admit(call, candidates: candidates, event: node.event(), on: node.loop)
    }

    private func reservation(_ decision: Decision) throws -> Reservation {
        guard case .admitted(let reservation) = decision else { throw NotAdmitted(decision: decision) }
        return reservation
    }

    private struct NotAdmitted: Error { let decision: Decision }

    @Test func `as a budget fills up the call goes down the ladder, then is denied in words`() async throws {
        try await TestNode.run(policy: Self.policy()) { (node) async throws in
            var models: [String] = []
            var denial: Denial?
            while denial == nil, models.count < 100 {
                switch try await admit(node) {
                case .admitted(let reservation):
                    #expect(reservation.call.model == Self.candidates[reservation.candidate].model)
                    #expect(reservation.holds[0].held == Self.candidates[reservation.candidate].estimate.cost.micros)
                    models.append(reservation.call.model)
                case .denied(let denied): denial = denied
                }
            }
            #expect(models == Array(repeating: "dear", count: 4) + Array(repeating: "middle", count: 4))
            let message = try #require(denial?.message)
            #expect(denial?.reason == .budgetExhausted)
            let end = Period.month.containing(ms: node.enforcer.nowMs).endMs
            let day = UTCDay(number: end / UTCDay.lengthMs).id
            #expect(
                message
                    == "Limit spend of 1.00 USD a month for user:acme/alice does not admit this call: 0.00 USD used, 1.00 USD reserved. It resets on \(day) at 00:00 UTC."
            )
        }
    }

    @Test func `what is left of a node that died is charged to the model that served`() async throws {
        try await TestNode.run(policy: Self.policy()) { (node) async throws in
            for _ in 0..<4 { _ = try await admit(node) }
            let reservation = try reservation(try await admit(node))
            #expect(reservation.call.model == "middle")
            let text = try #require(
                try await node.send(
                    "HGET", .string(RedisKeys.reservations(Shard(of: "acme"))), .string(reservation.id)
                ).text)
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines[0].hasSuffix(" 50000"))
            let record = try CallRecord(json: Array(lines[1].utf8))
            #expect(record.event.model == "middle" && record.event.requestedModel == "m")
            #expect(record.event.cost.micros == 500 && record.event.outcome == .orphaned)
        }
    }

    @Test func `limits of one model count for calls that it serves, and for no others`() async throws {
        func limit(_ model: String) -> Limit {
            Limit(
                id: "\(model)-calls", per: .user, unit: .requests, span: .window(ms: 3_600_000),
                match: .init(models: [model]), amount: 2)
        }
        let policy = Self.policy(others: [limit("dear"), limit("middle"), limit("cheap")])
        try await TestNode.run(policy: policy) { (node) async throws in
            var reservations: [Reservation] = []
            for _ in 0..<6 { reservations.append(try reservation(try await admit(node))) }
            #expect(reservations.map(\.call.model) == ["dear", "dear", "middle", "middle", "cheap", "cheap"])
            guard case .denied(let denial) = try await admit(node) else {
                Issue.record("a seventh call")
                return
            }
            #expect(denial.limit == "cheap-calls")
            for reservation in reservations {
                #expect(
                    reservation.holds.filter(\.isCharged).map(\.limit) == ["spend", "\(reservation.call.model)-calls"])
                var event = node.event(reservation.id, costMicros: 1_000)
                event.model = reservation.call.model
                await node.enforcer.settle(reservation, as: event, on: node.loop)
            }
            #expect(try await node.spend() == [6_000, 0])
        }
    }

    @Test func `a release gives back what the model that served held`() async throws {
        try await TestNode.run(policy: Self.policy()) { (node) async throws in
            var reservations: [Reservation] = []
            for _ in 0..<6 { reservations.append(try reservation(try await admit(node))) }
            #expect(try await node.spend() == [0, 900_000])
            for reservation in reservations { await node.enforcer.release(reservation, on: node.loop) }
            #expect(try await node.spend() == [0, 0])
        }
    }

    @Test func `without a budget that has a threshold a call stays with its model`() async throws {
        var policy = Self.policy()
        policy.limits[0].downgradeAt = nil
        try await TestNode.run(policy: policy) { (node) async throws in
            for _ in 0..<5 { #expect(try reservation(try await admit(node)).candidate == 0) }
            guard case .denied = try await admit(node) else {
                Issue.record("not denied")
                return
            }
        }
    }

    @Test func `a model whose switch is thrown is passed over`() async throws {
        try await TestNode.run(policy: Self.policy()) { (node) async throws in
            try await node.send("HSET", .string(RedisKeys.killSwitch), "model:dear", "on")
            try await eventuallyServed(node, by: "middle")
            try await node.send("HSET", .string(RedisKeys.killSwitch), "model:cheap", "on", "model:middle", "on")
            try await eventuallyServed(node, by: nil)
        }
    }

    private func eventuallyServed(_ node: TestNode, by model: String?) async throws {
        try await eventually("served by \(model ?? "none")") {
            guard case .admitted(let reservation) = try await admit(node) else { return model == nil }
            await node.enforcer.release(reservation, on: node.loop)
            return reservation.call.model == model
        }
    }

    @Test func `a shortened call holds what is left, and says how much that is`() async throws {
        try await TestNode.run(policy: Self.policy(clamp: true)) { (node) async throws in
            let alone = [Self.candidates[0]]
            for _ in 0..<4 { #expect(try reservation(try await admit(node, alone)).bound == nil) }
            let fifth = try reservation(try await admit(node, [Self.candidate("odd", micros: 150_000)]))
            #expect(fifth.holds[0].held == 150_000)
            let shortened = try reservation(try await admit(node, alone))
            #expect(shortened.bound == .init(cost: MicroUSD(micros: 50_000)))
            #expect(shortened.holds[0].held == 50_000)
            guard case .denied(let denial) = try await admit(node, alone) else {
                Issue.record("nothing is left")
                return
            }
            #expect(denial.reserved == 1_000_000 && denial.retryAfter != nil)
        }
    }
}
