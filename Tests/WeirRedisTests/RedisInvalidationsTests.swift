import NIOCore
import NIOPosix
import Testing
import WeirTestSupport

@testable import WeirRedis

@Suite struct RedisInvalidationsTests {
    typealias Event = RedisInvalidations.Event

    @Test func `changes of the followed keys are told by name, others are not`() async throws {
        try await withInvalidations(prefixes: ["weir:a", "weir:b"]) { server, events in
            #expect(await events.next() == .armed)
            try await server.send(["SET", "other", "1"])
            try await server.send(["SET", "weir:a:1", "1"])
            #expect(await events.next() == .changed(["weir:a:1"]))
            try await server.send(["ZADD", "weir:b:set", "1", "team"])
            #expect(await events.next() == .changed(["weir:b:set"]))
            try await server.send(["DEL", "weir:a:1"])
            #expect(await events.next() == .changed(["weir:a:1"]))
        }
    }

    @Test func `an emptied server is told`() async throws {
        try await withInvalidations(prefixes: ["weir:"]) { server, events in
            #expect(await events.next() == .armed)
            try await server.send(["SET", "weir:x", "1"])
            #expect(await events.next() == .changed(["weir:x"]))
            try await server.send(["FLUSHALL"])
            #expect(await events.next() == .flushed)
        }
    }

    @Test(arguments: [true, false])
    func `the end of either connection is told, and then that both are back`(killsSubscriber: Bool) async throws {
        try await withInvalidations(prefixes: ["weir:"]) { server, events in
            #expect(await events.next() == .armed)
            let kind: RedisArgument = killsSubscriber ? "pubsub" : "normal"
            let killed = try await server.send(["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"])
            #expect(killed == .integer(1))
            #expect(await events.next() == .lost)
            #expect(await events.next() == .armed)
            try await server.send(["SET", "weir:x", "1"])
            #expect(await events.next() == .changed(["weir:x"]))
        }
    }

    @Test func `a silent server is told as lost`() async throws {
        try await withInvalidations(prefixes: ["weir:"]) { server, events in
            #expect(await events.next() == .armed)
            server.pause()
            #expect(await events.next() == .lost)
            server.resume()
            #expect(await events.next() == .armed)
            try await server.send(["SET", "weir:x", "1"])
            #expect(await events.next() == .changed(["weir:x"]))
        }
    }

    @Test func `a restarted server is told`() async throws {
        try await withInvalidations(prefixes: ["weir:"]) { server, events in
            #expect(await events.next() == .armed)
            try await server.restart()
            #expect(await events.next() == .lost)
            #expect(await events.next() == .armed)
        }
    }

    @Test func `closing ends the stream`() async throws {
        try await withRedis { server in
            let invalidations = RedisInvalidations(
                configuration: try RedisConfiguration(url: server.url), prefixes: [],
                eventLoop: MultiThreadedEventLoopGroup.singleton.any(), logger: .silent)
            invalidations.start()
            var events = invalidations.events.makeAsyncIterator()
            #expect(await events.next() == .armed)
            await invalidations.close()
            #expect(await events.next() == nil)
        }
    }

    @Test func `unread changes are merged, each name once`() async {
        let buffer = RedisInvalidationBuffer()
        for _ in 0..<10_000 { buffer.add(.changed(["a"])) }
        buffer.add(.changed(["b"]))
        guard case .changed(let names)? = await buffer.next() else {
            Issue.record("no change")
            return
        }
        #expect(names.sorted() == ["a", "b"])
    }

    @Test func `too many unread changes become an order to read everything`() async {
        let buffer = RedisInvalidationBuffer()
        for number in 0..<10_000 { buffer.add(.changed(["key-\(number)"])) }
        #expect(await buffer.next() == .armed)
        buffer.add(.changed(["later"]))
        #expect(await buffer.next() == .changed(["later"]))
    }

    @Test func `a loss is never hidden by what follows it`() async {
        let buffer = RedisInvalidationBuffer()
        for event: Event in [.armed, .changed(["a"]), .lost, .armed, .changed(["b"]), .flushed] { buffer.add(event) }
        #expect(await buffer.next() == .lost)
        #expect(await buffer.next() == .armed)
        buffer.add(.changed(["c"]))
        #expect(await buffer.next() == .changed(["c"]))
        buffer.add(.changed(["d"]))
        buffer.add(.flushed)
        #expect(await buffer.next() == .flushed)
        buffer.finish()
        #expect(await buffer.next() == nil)
    }

    private func withInvalidations(
        prefixes: [String], _ body: (RedisServer, inout AsyncStream<Event>.AsyncIterator) async throws -> Void
    ) async throws {
        try await withRedis { server in
            let invalidations = RedisInvalidations(
                configuration: try RedisConfiguration(url: server.url), prefixes: prefixes,
                eventLoop: MultiThreadedEventLoopGroup.singleton.any(), logger: .silent)
            invalidations.start()
            var events = invalidations.events.makeAsyncIterator()
            do {
                try await body(server, &events)
                await invalidations.close()
            } catch {
                await invalidations.close()
                throw error
            }
        }
    }
}
