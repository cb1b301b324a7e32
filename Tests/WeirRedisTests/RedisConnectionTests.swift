import NIOCore
import NIOPosix
import Testing
import WeirRedis
import WeirTestSupport

@Suite struct RedisConnectionTests {
    @Test func `a command gets its reply`() async throws {
        try await withRedis { server in
            try await withConnection(to: server) { redis in
                let ok = try await redis.send(["SET", "a", .int(42)])
                #expect(ok == .status("OK"))
                #expect(try await redis.send(["GET", "a"]) == .bulk(ByteBuffer(string: "42")))
                #expect(try await redis.send(["INCRBY", "a", 8]) == .integer(50))
                #expect(try await redis.send(["GET", "b"]) == .null)
                #expect(try await redis.send(["GET", .bytes(Array("a".utf8))]) == .bulk(ByteBuffer(string: "50")))
                let binary = ByteBuffer(bytes: [0, 13, 10, 255])
                #expect(try await redis.send(["ECHO", .buffer(binary)]) == .bulk(binary))
                #expect(redis.state == .ready)
            }
        }
    }

    @Test func `concurrent callers each get their own reply, from any thread and from the loop itself`() async throws {
        try await withRedis { server in
            try await withConnection(to: server) { redis in
                let executor = EventLoopTaskExecutor(redis.eventLoop)
                let wrong = await withTaskGroup(of: Int.self) { group in
                    for task in 0..<100 {
                        group.addTask(executorPreference: task.isMultiple(of: 2) ? executor : nil) {
                            var wrong = 0
                            for call in 0..<50 {
                                let text = "\(task)-\(call)"
                                let reply = try? await redis.send(["ECHO", .string(text)])
                                if reply != .bulk(ByteBuffer(string: text)) { wrong += 1 }
                            }
                            return wrong
                        }
                    }
                    return await group.reduce(0, +)
                }
                #expect(wrong == 0)
            }
        }
    }

    @Test func `a script runs by its SHA-1, and by its text where the server has forgotten it`() async throws {
        let script = RedisScript(name: "sum", body: "#!lua\nreturn {KEYS[1], ARGV[1] + ARGV[2]}")
        try await withRedis { server in
            try await withConnection(to: server) { redis in
                let expected = RedisValue.array([.bulk(ByteBuffer(string: "k")), .integer(5)])
                for _ in 0..<3 {
                    #expect(try await redis.run(script, keys: ["k"], arguments: [2, "3"]) == expected)
                    #expect(try await redis.run(script, keys: ["k"], arguments: [2, "3"]) == expected)
                    #expect(try await redis.send(["SCRIPT", "EXISTS", .string(script.sha1)]) == .array([.integer(1)]))
                    _ = try await redis.send(["SCRIPT", "FLUSH"])
                }
            }
        }
    }
}
