import NIOCore
import Synchronization
import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

/// What a node does when Redis comes back as another one than it was.
@Suite struct EpochTests {
    @Test func `while epochs stay as they are nothing is announced, and each new one is`() async throws {
        try await TestNode.run { (node) async throws in
            func reads() async throws -> Int {
                guard case .bulk(let text) = try await node.send("INFO", "commandstats") else { return 0 }
                let line = String(buffer: text).split(separator: "\r\n").first { $0.hasPrefix("cmdstat_get:calls=") }
                return line.flatMap { Int($0.dropFirst("cmdstat_get:calls=".count).prefix { $0 != "," }) } ?? 0
            }
            // Two looks at all sixteen at least, so that there is something to compare with.
            func looked() async throws {
                let before = try await reads()
                try await eventually("it has looked") { try await reads() > before + 48 }
            }
            try await looked()
            let announcements = node.enforcer.announcements
            try await looked()
            #expect(node.enforcer.announcements == announcements)
            let shard = Shard(of: "acme")
            try await open(shard, epoch: WeirTestSupport.epoch(of: node.redis, mark: "another"), of: node.redis)
            try await eventually("announced") { node.enforcer.announcements > announcements }
        }
    }

    @Test func `an old snapshot brings its epochs back, and admits nothing until they are made for it`() async throws {
        try await TestNode.run { (node) async throws in
            #expect(try await node.denial() == nil)
            try await node.send("SAVE")
            let work = Work()
            // Callers go on asking all the time: while Redis is away, as soon as it is back, and thereafter.
            let callers = Task { await Self.ask(node, work) }
            defer { work.isOver.store(true, ordering: .relaxed) }
            try await eventually("callers are at work") { work.admitted.load(ordering: .relaxed) > 10 }
            node.server.kill()
            try await eventually("the node knows") { (try? await node.admit()) == nil }
            let before = work.admitted.load(ordering: .relaxed)
            try await node.server.restart()
            try await eventually("the node has looked at what came back") {
                node.enforcer.unreadyReason?.contains("may be old") == true
            }
            try await eventually("Redis answers") { try await node.send("PING") == .status("PONG") }
            #expect(try await node.send("EXISTS", .string(RedisKeys.epoch(Shard(of: "acme")))) == .integer(1))
            #expect(try await node.send("EXISTS", .string(RedisKeys.policy)) == .integer(1))
            #expect(work.admitted.load(ordering: .relaxed) == before, "admitted by an old snapshot")
            try await node.makeReady()
            try await eventually("admitting again") { work.admitted.load(ordering: .relaxed) > before }
            work.isOver.store(true, ordering: .relaxed)
            await callers.value
        }
    }

    @Test func `a key and a limited team that an old snapshot does not have are neither refused nor let through`()
        async throws
    {
        let record = APIKeyRecord(id: "k1", team: "acme", user: "alice")
        try await TestNode.run { (node) async throws in
            func putKey() async throws {
                _ = try await node.redis.send(
                    ["HSET", .string(IdentityTests.key)]
                        + record.fields.flatMap { [.string($0.name), .string($0.value)] })
            }
            try await node.send("SAVE")
            try await putKey()
            let limited = RedisArgument.string(RedisKeys.limitedSet(resource: "ai_credits"))
            try await node.send("ZADD", limited, "4102444800", "acme")
            try await eventually("limited") { try await node.denial()?.reason == .teamLimited }
            try await node.server.restart()
            try await eventually("Redis answers") { try await node.send("PING") == .status("PONG") }
            #expect(try await node.send("EXISTS", .string(IdentityTests.key), limited) == .integer(0))
            #expect(try await node.send("EXISTS", .string(RedisKeys.policy)) == .integer(1))
            // Asked until the node has read all of it anew: degraded, as long as nobody has made Redis ready.
            try await eventually("the node has looked at what came back") {
                node.enforcer.unreadyReason?.contains("may be old") == true
            }
            for _ in 0..<20 {
                await #expect(throws: EnforcerError.self) {
                    try await node.enforcer.identify(keySHA256: IdentityTests.sha256, on: node.loop)
                }
                let denial = try? await node.denial()
                #expect(denial == nil || denial?.reason == .teamLimited)
            }
            // What a leader does: first what was lost, then the epochs.
            try await putKey()
            try await node.makeReady()
            try await eventually("known again") {
                (try? await node.enforcer.identify(keySHA256: IdentityTests.sha256, on: node.loop)) == record
            }
            let unknown = String(repeating: "0", count: 64)
            #expect(try await node.enforcer.identify(keySHA256: unknown, on: node.loop) == nil)
        }
    }

    private final class Work: Sendable {
        let admitted = Atomic<Int>(0)
        let isOver = Atomic<Bool>(false)
    }

    private static func ask(_ node: TestNode, _ work: Work) async {
        await withTaskGroup { group in
            for _ in 0..<4 {
                group.addTask {
                    while !work.isOver.load(ordering: .relaxed) {
                        if (try? await node.admit()) != nil { work.admitted.wrappingAdd(1, ordering: .relaxed) }
                        await Task.yield()
                    }
                }
            }
        }
    }

    @Test func `a call that lives is announced to a Redis that has forgotten it, once, with all it holds`()
        async throws
    {
        try await TestNode.run { (node) async throws in
            let event = node.event(costMicros: 700)
            let reservation = try #require(try await node.admit(event: event).reservation)
            let shard = Shard(of: "acme")
            let inFlight = "weir:\(shard.tag):concurrency:at-once:team:acme"
            func record() async throws -> String? {
                try await node.send("HGET", .string(RedisKeys.reservations(shard)), .string(event.id)).text
            }
            let held = try #require(try await record()).split(separator: "\n")[0].split(separator: " ")[2]
            let round = node.enforcer.announcements
            try await node.send("FLUSHALL")
            try await eventually("the node asks for announcements") { node.enforcer.announcements > round }
            // Not ready yet: announced all the same; and a second time, which changes nothing.
            for _ in 0..<3 {
                try await node.enforcer.renew(reservation, observed: event, on: node.loop)
                #expect(try await node.spend() == [0, 5_000])
                #expect(try await node.send("ZCARD", .string(inFlight)) == .integer(1))
                #expect(try await record()?.split(separator: "\n")[0].split(separator: " ")[2] == held)
            }
            try await TestNode.setUp(node.redis)
            try await eventually("ready") { node.enforcer.unreadyReason == nil }
            try await node.enforcer.renew(reservation, observed: event, on: node.loop)
            #expect(try await node.spend() == [0, 5_000])
            await node.enforcer.settle(reservation, as: event, on: node.loop)
            #expect(await node.enforcer.drain(deadline: .now + .seconds(30)) == 0)
            #expect(try await node.spend() == [700, 0])
            #expect(try await node.send("ZCARD", .string(inFlight)) == .integer(0))
            // It has ended: whoever renews it now, late, holds nothing.
            try await node.enforcer.renew(reservation, observed: event, on: node.loop)
            #expect(try await node.spend() == [700, 0])
            #expect(try await node.events().map(\.id) == [event.id])
        }
    }

    @Test func `an announced call goes over a limit if it must, and what nobody else may do then is denied`()
        async throws
    {
        try await TestNode.run { (node) async throws in
            let event = node.event()
            let reservation = try #require(try await node.admit(event: event).reservation)
            let key = try #require(reservation.holds.first { $0.limit == "spend" }).key
            try await node.send("DEL", .string(RedisKeys.reservations(Shard(of: "acme"))))
            try await node.send("HSET", .string(key), "settled", "999000", "reserved", "0")
            try await node.enforcer.renew(reservation, observed: event, on: node.loop)
            #expect(try await node.spend() == [999_000, 5_000])
            #expect(try await node.denial()?.limit == "spend")
        }
    }
}

extension Decision {
    fileprivate var reservation: Reservation? { if case .admitted(let reservation) = self { reservation } else { nil } }
}
