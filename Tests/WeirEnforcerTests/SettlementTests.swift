import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

@Suite struct SettlementTests {
    private func reservation(_ decision: Decision) throws -> Reservation {
        guard case .admitted(let reservation) = decision else { throw NotAdmitted() }
        return reservation
    }

    private struct NotAdmitted: Error {}

    @Test func `a call is held in all its limits, and settled at what it used`() async throws {
        try await TestNode.run { (node) async throws in
            var event = node.event(costMicros: 1_234)
            let reservation = try reservation(try await node.admit(event: event))
            #expect(reservation.id == event.id)
            #expect(reservation.holds.map(\.limit) == ["calls", "spend", "at-once"])
            #expect(reservation.holds.map(\.held) == [1, 5_000, 1])
            #expect(reservation.holds.map(\.remaining) == [49, 995_000, 19])
            #expect(try await node.spend() == [0, 5_000])
            event.latencyMs = 7
            try await node.enforcer.renew(reservation, observed: event, on: node.loop)
            await node.enforcer.settle(reservation, as: event, on: node.loop)
            await node.enforcer.settle(reservation, as: event, on: node.loop)
            #expect(try await node.spend() == [1_234, 0])
            #expect(try await node.events() == [event])
            #expect(node.enforcer.unsettledCount == 0)
        }
    }

    @Test func `a release gives everything back`() async throws {
        try await TestNode.run { (node) async throws in
            let reservation = try reservation(try await node.admit())
            await node.enforcer.release(reservation, on: node.loop)
            #expect(try await node.spend() == [0, 0])
            #expect(try await node.events().isEmpty)
        }
    }

    @Test func `a denial says which limit, for whom, and how much is used`() async throws {
        try await TestNode.run { (node) async throws in
            for _ in 0..<20 { #expect(try await node.denial() == nil) }
            let denial = try #require(try await node.denial())
            #expect((denial.reason, denial.limit, denial.subject) == (.concurrencyExhausted, "at-once", "team:acme"))
            #expect((denial.used, denial.reserved, denial.amount, denial.retryAfter) == (20, 0, 20, 1))
            #expect(try await node.spend() == [0, 100_000])
        }
    }

    @Test func `an admission that timed out is given back: nothing stays reserved`() async throws {
        try await TestNode.run(deadline: .milliseconds(300)) { (node) async throws in
            for isPaused in [true, false] {
                // The server stopped, or holding up its clients: the admission runs later than anybody waits.
                if isPaused { node.server.pause() } else { try await node.send("CLIENT", "PAUSE", "1000", "WRITE") }
                await #expect(throws: EnforcerError.self) { _ = try await node.admit() }
                if isPaused { node.server.resume() }
                try await eventually("released", within: .seconds(20)) { node.enforcer.unsettledCount == 0 }
                try await eventually("nothing held", within: .seconds(20)) {
                    try await node.spend().last.map { $0 == 0 } ?? false
                }
                try await eventually("serving again", within: .seconds(20)) { node.enforcer.unreadyReason == nil }
            }
            #expect(try await node.events().isEmpty)
        }
    }

    @Test func `a settlement while Redis is away is repeated until it stands, and is charged once`() async throws {
        try await TestNode.run(
            ["--appendonly", "yes", "--appendfsync", "always"], deadline: .milliseconds(300)
        ) { (node) async throws in
            var events: [UsageEvent] = []
            for isKilled in [false, true] {
                var reservations: [(Reservation, UsageEvent)] = []
                try await eventually("admitting", within: .seconds(20)) {
                    let event = node.event(costMicros: 1_000)
                    reservations.append((try reservation(try await node.admit(event: event)), event))
                    return reservations.count == 5
                }
                // What was slow here has been given back.
                try await eventually(within: .seconds(20)) { node.enforcer.unsettledCount == 0 }
                if isKilled { node.server.kill() } else { node.server.pause() }
                for (reservation, event) in reservations {
                    await node.enforcer.settle(reservation, as: event, on: node.loop)
                    events.append(event)
                }
                #expect(node.enforcer.unsettledCount == 5)
                #expect(await node.enforcer.drain(deadline: .now + .milliseconds(20)) == 5, "they do not stand yet")
                if isKilled { try await node.server.restart() } else { node.server.resume() }
                #expect(await node.enforcer.drain(deadline: .now + .seconds(30)) == 0)
            }
            try await eventually { try await node.spend() == [10_000, 0] }
            let told = try await node.events()
            #expect(told.count == 10)
            #expect(Set(told.map(\.id)) == Set(events.map(\.id)))
        }
    }

    @Test func `a settlement waits for its shard to be ready`() async throws {
        try await TestNode.run { (node) async throws in
            let event = node.event(costMicros: 1_000)
            let reservation = try reservation(try await node.admit(event: event))
            let epoch = RedisArgument.string(RedisKeys.epoch(Shard(of: "acme")))
            try await node.send("DEL", epoch)
            await node.enforcer.settle(reservation, as: event, on: node.loop)
            #expect(node.enforcer.unsettledCount == 1)
            #expect(try await node.events().isEmpty)
            try await node.makeReady()
            #expect(await node.enforcer.drain(deadline: .now + .seconds(30)) == 0)
            #expect(try await node.events().count == 1)
            #expect(try await node.spend() == [1_000, 0])
        }
    }
}
