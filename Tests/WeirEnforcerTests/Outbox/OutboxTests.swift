import Logging
import NIOCore
import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

/// A node with an outbox, and what Redis, the node, or both may lose.
@Suite struct OutboxTests {
    private struct Bed {
        let server: RedisServer
        let redis: RedisConnection
        let directory: String

        static func run(_ arguments: [String] = [], _ body: (Bed) async throws -> Void) async throws {
            try await withTemporaryDirectory { directory in
                try await withRedis(arguments) { server in
                    try await withConnection(to: server) { redis in
                        try await TestNode.setUp(redis)
                        try await body(Bed(server: server, redis: redis, directory: directory + "/outbox"))
                    }
                }
            }
        }

        /// A process of the node: opens the outbox, and leaves what is in it.
        func node(deadline: Duration = .seconds(10), _ body: (TestNode) async throws -> Void) async throws {
            let outbox = try Outbox(directory: directory, logger: .silent)
            try await TestNode.withEnforcer(to: server, deadline: deadline, outbox: outbox) { enforcer, loop in
                try await enforcer.start()
                try await body(TestNode(server: server, redis: redis, enforcer: enforcer, loop: loop))
            }
        }

        private var shard: Shard { Shard(of: "acme") }

        func send(_ command: RedisArgument...) async throws -> RedisValue {
            try await redis.send(command, deadline: .seconds(20))
        }

        /// What an aggregator does with acme's stream; the ledger is the caller's.
        func ingest() async throws {
            let key = RedisArgument.string(RedisKeys.usage(shard))
            let keys = [RedisKeys.epoch(shard), RedisKeys.usage(shard), RedisKeys.committed(shard)]
            _ = try await redis.run(
                ScriptCatalogue.regroup, keys: keys, arguments: ["ledger"], deadline: .seconds(20))
            let reply = try await send("XREADGROUP", "GROUP", "ledger", "one", "STREAMS", key, ">")
            if case .array(let streams) = reply, case .array(let stream) = streams[0],
                case .array(let entries) = stream[1]
            {
                for case .array(let entry) in entries {
                    _ = try await send("XACK", key, "ledger", .string(entry[0].text ?? ""))
                }
            }
            _ = try await redis.run(ScriptCatalogue.trim, keys: keys, arguments: ["ledger"], deadline: .seconds(20))
        }

        func setEpoch(_ epoch: String?) async throws {
            let key = RedisArgument.string(RedisKeys.epoch(shard))
            guard let epoch else {
                _ = try await send("DEL", key)
                return
            }
            try await open(shard, epoch: WeirTestSupport.epoch(of: redis, mark: epoch), of: redis)
        }

        func isLate() async throws -> Bool {
            try await send("HEXISTS", .string(RedisKeys.committed(shard)), "late") == .integer(1)
        }
    }

    private func settled(_ node: TestNode, costMicros: Int = 1_000) async throws -> UsageEvent {
        let event = node.event(costMicros: costMicros)
        guard case .admitted(let reservation) = try await node.admit(event: event) else { throw NotAdmitted() }
        await node.enforcer.settle(reservation, as: event, on: node.loop)
        return event
    }

    private struct NotAdmitted: Error {}

    private func rows(_ node: TestNode) -> Int { node.enforcer.outboxStatus?.rows ?? -1 }

    @Test func `a settlement is kept until the ledger is said to have it, and no longer`() async throws {
        try await Bed.run { bed in
            try await bed.ingest()
            try await bed.node { node in
                for _ in 0..<5 { _ = try await settled(node) }
                #expect(rows(node) == 5)
                #expect(try await node.events().count == 5)
                try await bed.ingest()
                try await eventually("forgotten") { rows(node) == 0 }
                #expect(try await node.events().isEmpty, "and not sent again")
                #expect(try await node.spend() == [5_000, 0])
            }
        }
    }

    @Test func `after everything in Redis was lost what is not confirmed is sent again, as events alone`() async throws
    {
        try await Bed.run { bed in
            try await bed.ingest()
            try await bed.node { node in
                let event = try await settled(node)
                _ = try await bed.send("FLUSHALL")
                try await eventually("sent again while the shard is not ready") {
                    try await node.events().map(\.id) == [event.id]
                }
                #expect(
                    try await node.spend() == [0, 0], "charged by nobody: the leader makes the counters of the ledger")
                try await bed.ingest()
                try await bed.setEpoch("new")
                try await eventually("forgotten") { rows(node) == 0 && node.enforcer.unsettledCount == 0 }
                #expect(try await node.events().isEmpty)
            }
        }
    }

    @Test func `a node that notices a loss when the shard is ready again hands on events that are marked as late`()
        async throws
    {
        try await Bed.run { bed in
            try await bed.ingest()
            var ids: [String] = []
            try await bed.node { node in ids = [try await settled(node).id] }
            _ = try await bed.send("FLUSHALL")
            try await TestNode.setUp(bed.redis)
            try await bed.setEpoch("another")
            try await bed.ingest()
            #expect(try await !bed.isLate())
            try await bed.node { node in
                try await eventually("sent") { try await node.events().map(\.id) == ids }
                #expect(try await bed.isLate())
                #expect(try await node.spend() == [0, 0])
                try await bed.ingest()
                try await eventually("forgotten") { rows(node) == 0 }
            }
        }
    }

    @Test func `a redis-server that comes back with an older state is told again, and charges once`() async throws {
        try await Bed.run { bed in
            try await bed.ingest()
            try await bed.node { node in
                let first = try await settled(node)
                _ = try await bed.send("SAVE")
                let second = try await settled(node)
                try await bed.server.restart()
                try await eventually("the older state", within: .seconds(20)) {
                    try await node.spend() == [1_000, 0]
                }
                #expect(try await node.events().map(\.id) == [first.id])
                try await bed.ingest()
                try await eventually("told again", within: .seconds(20)) {
                    try await node.events().map(\.id) == [second.id]
                }
                #expect(try await node.spend() == [2_000, 0])
                try await bed.ingest()
                try await eventually("forgotten") { rows(node) == 0 }
                #expect(try await node.spend() == [2_000, 0])
            }
        }
    }

    @Test func `a settlement that Redis never got is handed on by the node's next process, with the same id`()
        async throws
    {
        try await Bed.run(["--appendonly", "yes", "--appendfsync", "always"]) { bed in
            try await bed.ingest()
            var id = ""
            try await bed.node(deadline: .milliseconds(300)) { node in
                let event = node.event(costMicros: 1_000)
                guard case .admitted(let reservation) = try await node.admit(event: event) else { throw NotAdmitted() }
                bed.server.kill()
                await node.enforcer.settle(reservation, as: event, on: node.loop)
                #expect(node.enforcer.unsettledCount == 1)
                id = event.id
            }
            try await bed.server.restart()
            try await makeReady(of: bed.redis)
            try await bed.node { node in
                try await eventually("handed on", within: .seconds(20)) {
                    try await node.events().map(\.id) == [id]
                }
                // It looks every 200 ms, and does not take it for lost since no aggregator has worked in this run yet.
                let handedOn = ContinuousClock.now
                try await eventually("a second has passed") { handedOn.duration(to: .now) > .seconds(1) }
                #expect(try await node.events().map(\.id) == [id])
                // Another run of Redis, another epoch: the leader charges it, by what the ledger has then.
                #expect(try await bed.isLate())
                try await eventually("nothing is held", within: .seconds(20)) { try await node.spend() == [0, 0] }
                try await bed.ingest()
                try await eventually("forgotten") { rows(node) == 0 }
            }
        }
    }

    @Test func `a node that starts with an old outbox charges nothing twice`() async throws {
        try await Bed.run { bed in
            try await bed.ingest()
            try await bed.node { node in
                for _ in 0..<20 { _ = try await settled(node) }
            }
            // Known to the aggregator before the node is there again.
            try await bed.ingest()
            try await bed.node { node in
                #expect(rows(node) <= 20)
                try await eventually("repeated") { node.enforcer.unsettledCount == 0 }
                #expect(try await node.spend() == [20_000, 0])
                try await bed.ingest()
                try await eventually("forgotten") { rows(node) == 0 }
                #expect(try await node.spend() == [20_000, 0])
            }
        }
    }

    @Test func `what may have been charged in an epoch that is gone is handed on as an event, and holds nothing`()
        async throws
    {
        try await Bed.run { bed in
            try await bed.ingest()
            try await bed.node(deadline: .milliseconds(300)) { node in
                let event = node.event(costMicros: 1_000)
                guard case .admitted(let reservation) = try await node.admit(event: event) else { throw NotAdmitted() }
                // Known to the node before it settles.
                try await eventually { node.enforcer.outbox?.known(Shard(of: "acme")).epoch?.hasSuffix(" 1") == true }
                bed.server.pause()
                await node.enforcer.settle(reservation, as: event, on: node.loop)
                #expect(node.enforcer.unsettledCount >= 1)
                bed.server.resume()
                // Whether the first attempt ran or not, the ledger's sums are in the counters of the new epoch.
                try await bed.setEpoch("later")
                try await eventually("handed on", within: .seconds(20)) { node.enforcer.unsettledCount == 0 }
                #expect(try await Set(node.events().map(\.id)) == [event.id])
                let spend = try await node.spend()
                #expect(spend == [0, 0] || spend == [1_000, 0], "\(spend)")
            }
        }
    }

    @Test func `a full outbox admits nothing new, and what runs is settled`() async throws {
        try await Bed.run { bed in
            try await bed.ingest()
            let outbox = try Outbox(directory: bed.directory, limitBytes: 1_500, logger: .silent)
            try await TestNode.withEnforcer(to: bed.server, outbox: outbox) { enforcer, loop in
                try await enforcer.start()
                let node = TestNode(server: bed.server, redis: bed.redis, enforcer: enforcer, loop: loop)
                let event = node.event(costMicros: 1)
                guard case .admitted(let running) = try await node.admit(event: event) else { throw NotAdmitted() }
                while enforcer.unreadyReason == nil { _ = try await settled(node, costMicros: 1) }
                #expect(enforcer.unreadyReason?.contains("outbox is full") == true)
                await #expect(throws: EnforcerError.self) { _ = try await node.admit() }
                await enforcer.settle(running, as: event, on: loop)
                #expect(enforcer.unsettledCount == 0)
                try await bed.ingest()
                try await eventually("room again") { enforcer.unreadyReason == nil }
                _ = try await settled(node)
            }
        }
    }

    @Test func `a settlement so late that nobody remembers its call is handed on, for the budgets to be raised`()
        async throws
    {
        try await Bed.run { bed in
            try await bed.ingest()
            try await bed.node { node in
                var random = SeededGenerator()
                let id = ReservationID(birthMs: node.enforcer.nowMs - 3_600_000, using: &random)
                let event = node.event(id.text, costMicros: 1_000)
                await node.enforcer.bring(
                    EndScript(.settle, shard: Shard(of: "acme"), id: id, event: event.json(), counters: []),
                    on: node.loop)
                try await eventually("handed on") { node.enforcer.unsettledCount == 0 }
                #expect(try await bed.isLate())
                #expect(try await Set(node.events().map(\.id)) == [id.text])
                try await bed.ingest()
                try await eventually("forgotten") { rows(node) == 0 }
            }
        }
    }
}
