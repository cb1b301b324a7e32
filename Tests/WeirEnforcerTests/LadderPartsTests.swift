import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

/// Calls that several models may serve, and whose limits are in several shards.
@Suite struct LadderPartsTests {
    /// A user's budget at home, everybody's in another shard; both in micro-dollars.
    static func policy(user: Int, all: Int, userDowngrade: Int? = nil, allDowngrade: Int? = nil) -> Policy {
        var policy = TestNode.policy
        policy.limits = [
            Limit(
                id: "spend", per: .user, unit: .usd, span: .period(.month), amount: user, downgradeAt: userDowngrade),
            Limit(
                id: "all-spend", per: .global, unit: .usd, span: .period(.month), amount: all,
                downgradeAt: allDowngrade),
        ]
        return policy
    }

    static func admit(_ node: TestNode) async throws -> Decision {
        var call = TestNode.call()
        call.model = LadderTests.candidates[0].model
        return try await node.enforcer.admit(
            call, candidates: LadderTests.candidates, event: node.event(), on: node.loop)
    }

    /// Admits until it is denied: the models that served, and what each part held of money.
    static func fill(_ node: TestNode) async throws -> (reservations: [Reservation], denial: Denial) {
        var reservations: [Reservation] = []
        while reservations.count < 200 {
            switch try await admit(node) {
            case .admitted(let reservation): reservations.append(reservation)
            case .denied(let denial): return (reservations, denial)
            }
        }
        throw RedisError.protocolViolation("never denied")
    }

    @Test(arguments: [
        (user: 1_000_000, all: 100_000_000, userDowngrade: 8_000 as Int?, allDowngrade: nil as Int?, limit: "spend"),
        (user: 100_000_000, all: 1_000_000, userDowngrade: nil, allDowngrade: 8_000, limit: "all-spend"),
        (user: 1_000_000, all: 1_000_000, userDowngrade: 8_000, allDowngrade: 8_000, limit: "spend"),
    ])
    func `whichever shard's budget fills up sends the call down, and no part holds less than the model costs`(
        user: Int, all: Int, userDowngrade: Int?, allDowngrade: Int?, limit: String
    ) async throws {
        let policy = Self.policy(user: user, all: all, userDowngrade: userDowngrade, allDowngrade: allDowngrade)
        try await TestNode.run(policy: policy) { (node) async throws in
            let (reservations, denial) = try await Self.fill(node)
            #expect(
                reservations.map(\.call.model)
                    == Array(repeating: "dear", count: 4) + Array(repeating: "middle", count: 4))
            #expect(denial.reason == .budgetExhausted)
            if userDowngrade == nil || allDowngrade == nil { #expect(denial.limit == limit) }
            for reservation in reservations {
                let cost = LadderTests.candidates[reservation.candidate].estimate.cost.micros
                #expect(reservation.allHolds.map(\.limit).sorted() == ["all-spend", "spend"])
                #expect(reservation.allHolds.allSatisfy { $0.held >= cost && $0.isCharged })
            }
            // Whatever was held, what stays is what was used.
            for reservation in reservations {
                let event = node.event(reservation.id, costMicros: 1_000)
                await node.enforcer.settle(reservation, as: event, on: node.loop)
            }
            let used = reservations.count * 1_000
            #expect(
                try await PartsTests.budget("spend", .user(team: "acme", id: "alice"), node) == [used, 0])
            #expect(try await PartsTests.budget("all-spend", .global, node) == [used, 0])
        }
    }

    @Test func `a home that denies every model leaves nothing in the other shards`() async throws {
        let policy = Self.policy(user: 5_000, all: 1_000_000, allDowngrade: 8_000)
        try await TestNode.run(policy: policy) { (node) async throws in
            guard case .denied(let denial) = try await Self.admit(node) else {
                throw RedisError.protocolViolation("admitted")
            }
            #expect(denial.limit == "spend")
            #expect(try await PartsTests.budget("all-spend", .global, node) == [0, 0])
        }
    }

    @Test func `a limit across teams on one model alone counts the calls that it serves`() async throws {
        var policy = Self.policy(user: 1_000_000, all: 100_000_000, userDowngrade: 8_000)
        policy.limits.append(
            Limit(
                id: "middles", per: .global, unit: .requests, span: .window(ms: 3_600_000),
                match: Limit.Match(models: ["middle"]), amount: 90))
        try await TestNode.run(policy: policy) { (node) async throws in
            let (reservations, _) = try await Self.fill(node)
            for reservation in reservations {
                let hold = try #require(reservation.allHolds.first { $0.limit == "middles" })
                #expect(hold.isCharged == (reservation.call.model == "middle"))
                await node.enforcer.settle(
                    reservation, as: node.event(reservation.id, costMicros: 1_000), on: node.loop)
            }
            #expect(reservations.contains { $0.call.model == "middle" })
        }
    }
}
