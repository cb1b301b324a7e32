import NIOCore
import NIOPosix
import Synchronization
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

    @Test func `commands that are sent together get a reply or an error each, in their order`() async throws {
        let script = RedisScript(name: "key", body: "#!lua\nreturn KEYS[1]")
        try await withRedis { server in
            try await withConnection(to: server) { redis in
                let before = try await reads(redis)
                let answers = await redis.send(together: [
                    ["SET", "a", 1], ["HGET", "a", "b"], ["GET", "a"], ["GET", "b"],
                ])
                #expect(try await reads(redis) - before <= 2)
                #expect(answers.count == 4)
                #expect(answers[0] == .success(.status("OK")))
                #expect(throws: RedisError.self) { try answers[1].get() }
                #expect(answers[2...] == [.success(.bulk(ByteBuffer(string: "1"))), .success(.null)])
                #expect(await redis.send(together: []).isEmpty)
                // By its text where the server has forgotten it.
                for _ in 0..<2 {
                    let keys = await redis.run(script, forEach: [["k"], ["l"]])
                    #expect(keys == ["k", "l"].map { .success(.bulk(ByteBuffer(string: $0))) })
                }
                await redis.close()
                #expect(await redis.send(together: [["PING"], ["PING"]]).allSatisfy { (try? $0.get()) == nil })
            }
        }
    }

    @Test func `commands of one tick of the loop leave in one write`() async throws {
        try await withRedis { server in
            try await withConnection(to: server) { redis in
                let executor = EventLoopTaskExecutor(redis.eventLoop)
                let before = try await reads(redis)
                await withTaskGroup { group in
                    group.addTask(executorPreference: executor) {
                        await withTaskGroup { group in
                            for _ in 0..<200 { group.addTask { _ = try? await redis.send(["PING"]) } }
                        }
                    }
                }
                // One for the 200, if they all start in one tick, and one for the question itself.
                #expect(try await reads(redis) - before <= 20)
            }
        }
    }

    @Test func `a task on the loop's executor is still on the loop after a reply`() async throws {
        try await withRedis { server in
            try await withConnection(to: server) { redis in
                let executor = EventLoopTaskExecutor(redis.eventLoop)
                let stayed = await withTaskExecutorPreference(executor) {
                    var stayed = redis.eventLoop.inEventLoop
                    for _ in 0..<10 {
                        _ = try? await redis.send(["PING"])
                        stayed = stayed && redis.eventLoop.inEventLoop
                    }
                    return stayed
                }
                #expect(stayed)
                _ = try await redis.send(["PING"])
            }
        }
    }

    @Test func `a script that is not known even as text is asked for once more only`() async throws {
        let commands = Mutex<[String]>([])
        try await withFakeRedis({ number, command in
            commands.withLock { $0.append(command[0]) }
            return command[0].hasPrefix("EVAL") ? .reply("-NOSCRIPT No matching script.\r\n") : .ok
        }) { configuration in
            try await withConnection(configuration) { redis in
                let script = RedisScript(name: "one", body: "return 1")
                await #expect(throws: RedisError.server("NOSCRIPT No matching script.")) {
                    try await redis.run(script, keys: [], arguments: [])
                }
                #expect(commands.withLock { $0.filter { $0.hasPrefix("EVAL") } } == ["EVALSHA", "EVAL"])
            }
        }
    }

    @Test func `a script's error is thrown and is not taken for an outage`() async throws {
        try await withRedis { server in
            try await withConnection(to: server) { redis in
                _ = try await redis.send(["SET", "text", "a"])
                let script = RedisScript(name: "wrong", body: "return redis.call('ZADD', KEYS[1], 1, 'a')")
                let error = await #expect(throws: RedisError.self) {
                    try await redis.run(script, keys: ["text"], arguments: [])
                }
                guard case .server(let text)? = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(text.hasPrefix("WRONGTYPE"))
                #expect(redis.state == .ready)
            }
        }
    }

    @Test func `a full Redis refuses a script with the reason`() async throws {
        try await withRedis(["--maxmemory", "1"]) { server in
            try await withConnection(to: server) { redis in
                let script = RedisScript(name: "write", body: "#!lua\nreturn redis.call('SET', KEYS[1], 1)")
                let error = await #expect(throws: RedisError.self) {
                    try await redis.run(script, keys: ["a"], arguments: [])
                }
                guard case .writeRefused(let text)? = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(text.hasPrefix("OOM"))
            }
        }
    }

    @Test func `a server that still loads is waited for`() async throws {
        try await withFakeRedis({ number, command in
            if command[0] == "PING" && number < 3 { return .reply("-LOADING Redis is loading\r\n") }
            return command[0] == "PING" ? .reply("+PONG\r\n") : .ok
        }) { configuration in
            try await withConnection(configuration) { redis in
                let reply = try await redis.send(["SET", "a", "1"], deadline: .seconds(5))
                #expect(reply == .status("OK"))
            }
        }
    }

    @Test func `waiting for a server that is not there ends with the reason`() async throws {
        let redis = RedisConnection(
            configuration: RedisConfiguration(address: .tcp(host: "127.0.0.1", port: try freePort())),
            eventLoop: MultiThreadedEventLoopGroup.singleton.any(), logger: .silent)
        redis.start()
        let error = await #expect(throws: RedisError.self) {
            try await redis.waitUntilReady(timeout: .milliseconds(100))
        }
        guard case .unavailable? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        await redis.close()
    }

    @Test func `a pool has a connection for each loop of its group`() async throws {
        try await withRedis { server in
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 3)
            let pool = RedisPool(
                configuration: try RedisConfiguration(url: server.url), group: group, logger: .silent)
            pool.start()
            try await pool.waitUntilReady(timeout: .seconds(20))
            #expect(pool.state == .ready)
            var identifiers: Set<Int> = []
            for loop in group.makeIterator() {
                let connection = pool.connection(for: loop)
                #expect(connection.eventLoop === loop)
                if case .integer(let identifier) = try await connection.send(["CLIENT", "ID"], deadline: .seconds(5)) {
                    identifiers.insert(identifier)
                }
            }
            #expect(identifiers.count == 3)
            var fromOutside: Set<ObjectIdentifier> = []
            for _ in 0..<3 { fromOutside.insert(ObjectIdentifier(pool.any.eventLoop)) }
            #expect(fromOutside.count == 3)
            await pool.close()
            #expect(pool.state == .broken(reason: "closed"))
            try await group.shutdownGracefully()
        }
    }

    /// How often the server has read from its clients so far.
    private func reads(_ redis: RedisConnection) async throws -> Int {
        guard case .bulk(let info) = try await redis.send(["INFO", "stats"]) else { return 0 }
        let line = String(buffer: info).split(separator: "\r\n").first { $0.hasPrefix("total_reads_processed:") }
        return Int(try #require(line?.split(separator: ":").last)) ?? 0
    }
}
