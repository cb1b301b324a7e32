import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

/// Reservations as other nodes read them from Redis.
@Suite struct RecordedTests {
    static let policy = LadderTests.policy(others: [
        Limit(id: "all-spend", per: .global, unit: .usd, span: .period(.day), amount: 9_000_000),
        Limit(
            id: "dear-calls", per: .product, unit: .requests, span: .window(ms: 3_600_000),
            match: .init(models: ["dear"]), amount: 50),
        Limit(id: "ip-at-once", per: .ip, unit: .concurrency, span: .inFlight, amount: 50),
    ])

    /// What scripts are told of a part: of a budget its period's end, not the period.
    private static func texts(_ part: RecordedReservation.Part) -> [String] {
        part.holds.map { hold in
            let counter = hold.counter
            return "\(part.shard.tag) \(counter.letter) \(counter.key) \(counter.span) \(hold.unit?.rawValue ?? "-")"
        }
    }

    @Test func `on whatever model of the ladder, the record has what the reservation holds in every shard`()
        async throws
    {
        try await TestNode.run(policy: Self.policy) { (node) async throws in
            var models: Set<String> = []
            for _ in 0..<8 {
                var call = TestNode.call(model: "dear")
                call.ip = "192.0.2.7"
                var event = node.event()
                let decision = try await node.enforcer.admit(
                    call, candidates: LadderTests.candidates, event: event, on: node.loop)
                guard case .admitted(let reservation) = decision else { break }
                models.insert(reservation.call.model)
                event.calledAtMs = reservation.admittedAtMs
                let own = RecordedReservation(reservation, event: event)
                guard case .unfinished = try await node.enforcer.find(event.id, team: "acme", on: node.loop) else {
                    throw RedisError.protocolViolation("not unfinished")
                }
                #expect(try await node.enforcer.hold(own, leaseMs: 60_000, observed: event, on: node.loop))
                guard case .held(let read) = try await node.enforcer.find(event.id, team: "acme", on: node.loop) else {
                    throw RedisError.protocolViolation("not held")
                }
                #expect(own.sides.count == 3)
                #expect(Self.texts(read.home) == Self.texts(own.home))
                #expect(Set(read.sides.map(Self.texts)) == Set(own.sides.map(Self.texts)))
                #expect(read.event.calledAtMs == reservation.admittedAtMs && read.event.id == event.id)
            }
            #expect(models == ["dear", "middle"])
        }
    }

    @Test func `a question under the id of zeros is answered as a call would be, and leaves nothing, when denied, too`()
        async throws
    {
        try await TestNode.run(policy: PartsTests.policy) { (node) async throws in
            for index in 0...PartsTests.everybodyAtOnce {
                let asked = try await node.admit(PartsTests.call(), event: node.event(ReservationID.none.text))
                #expect(try await PartsTests.records(ReservationID.none.text, node).isEmpty)
                let made = try await node.admit(PartsTests.call())
                switch (asked, made) {
                case (.admitted(let asked), .admitted(let made)):
                    #expect(index < PartsTests.everybodyAtOnce)
                    #expect(asked.allHolds.count == made.allHolds.count)
                    #expect(Set(asked.allHolds.map(\.remaining)) == Set(made.allHolds.map(\.remaining)))
                case (.denied(let asked), .denied(let made)):
                    #expect(index == PartsTests.everybodyAtOnce)
                    #expect(asked.limit == made.limit && asked.used == made.used)
                default: Issue.record("asked \(asked), made \(made)")
                }
            }
            #expect(node.enforcer.unsettledCount == 0)
        }
    }

    @Test func `a shard that is not ready knows nothing, which is not the same as unknown`() async throws {
        try await TestNode.run { (node) async throws in
            let id = node.enforcer.makeReservationID()
            guard case .unknown = try await node.enforcer.find(id, team: "acme", on: node.loop) else {
                throw RedisError.protocolViolation("known")
            }
            try await node.send("DEL", .string(RedisKeys.epoch(Shard(of: "acme"))))
            await #expect(throws: EnforcerError.self) {
                _ = try await node.enforcer.find(id, team: "acme", on: node.loop)
            }
        }
    }
}
