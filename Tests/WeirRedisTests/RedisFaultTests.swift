import NIOCore
import NIOPosix
import Synchronization
import Testing
import WeirTestSupport

@testable import WeirRedis

/// What callers get when the server is slow, silent, wrong or gone.
@Suite struct RedisFaultTests {
    /// Logs in like Redis, and answers ECHO with its argument after `pause`.
    static func echo(after pause: @escaping @Sendable (String) -> Duration? = { _ in nil })
        -> @Sendable (Int, [String]) -> FakeAnswer
    {
        { _, command in
            switch command[0] {
            case "ECHO":
                let reply = "$\(command[1].utf8.count)\r\n\(command[1])\r\n"
                return pause(command[1]).map { .delayed(reply, $0) } ?? .reply(reply)
            case "PING": return .reply("+PONG\r\n")
            default: return .ok
            }
        }
    }

    @Test func `a timed-out command does not shift the replies of others`() async throws {
        try await withFakeRedis(Self.echo { $0 == "slow" ? .milliseconds(150) : nil }) { configuration in
            try await withConnection(configuration) { redis in
                for round in 0..<3 {
                    async let slow = outcome(redis, ["ECHO", "slow"], deadline: .milliseconds(20))
                    async let next = outcome(redis, ["ECHO", "after \(round)"])
                    #expect(await slow == .failure(.timedOut))
                    #expect(await next == .success(.bulk(ByteBuffer(string: "after \(round)"))))
                    #expect(
                        await outcome(redis, ["ECHO", "x\(round)"]) == .success(.bulk(ByteBuffer(string: "x\(round)"))))
                }
            }
        }
    }

    @Test func `a paused Redis times commands out, and its late replies go to nobody`() async throws {
        try await withRedis { server in
            try await withConnection(to: server, adjust: { $0.commandDeadline = .milliseconds(500) }) { redis in
                _ = try await redis.send(["CLIENT", "PAUSE", "300", "ALL"])
                #expect(await outcome(redis, ["ECHO", "late"], deadline: .milliseconds(50)) == .failure(.timedOut))
                try await eventually("replies are right again") {
                    try await redis.send(["ECHO", "now"]) == .bulk(ByteBuffer(string: "now"))
                }
            }
        }
    }

    @Test func `F-G7: cancelling at random leaves every other reply where it belongs`() async throws {
        let seed = SeededGenerator().seed
        let count = FaultReport.rounds(400, full: 5_000)
        try await withRedis { server in
            try await withConnection(to: server) { redis in
                let executor = EventLoopTaskExecutor(redis.eventLoop)
                let wrong = await withTaskGroup(of: Int.self) { group in
                    for number in 0..<count {
                        group.addTask(executorPreference: number.isMultiple(of: 3) ? executor : nil) {
                            var generator = SeededGenerator(seed: seed &+ UInt64(number))
                            let text = "reply \(number)"
                            let call = Task { await outcome(redis, ["ECHO", .string(text)]) }
                            let yields = Int.random(in: 0...20, using: &generator)
                            if Bool.random(using: &generator) {
                                for _ in 0..<yields { await Task.yield() }
                                call.cancel()
                            }
                            switch await call.value {
                            case .success(let reply): return reply == .bulk(ByteBuffer(string: text)) ? 0 : 1
                            case .failure(let error): return error == .cancelled && call.isCancelled ? 0 : 1
                            }
                        }
                    }
                    return await group.reduce(0, +)
                }
                #expect(wrong == 0, "seed \(seed)")
                let last = try await redis.send(["ECHO", "last"])
                #expect(last == .bulk(ByteBuffer(string: "last")))
                try FaultReport(
                    "F-G7", invariant: "nobody gets another's reply, L1 S1", bound: "0 wrong replies",
                    measured: "\(wrong) of \(count), half of them cancelled, seed \(seed)"
                ).report()
            }
        }
    }

    @Test func `a cancelled task does not wait for its reply, and one cancelled before sends nothing`() async throws {
        let seen = Mutex<[String]>([])
        try await withFakeRedis({ number, command in
            seen.withLock { $0.append(command.joined(separator: " ")) }
            return command[0] == "GET" ? .nothing : Self.echo()(number, command)
        }) { configuration in
            var configuration = configuration
            configuration.commandDeadline = .seconds(60)
            try await withConnection(configuration) { redis in
                let waits = Task { await outcome(redis, ["GET", "a"]) }
                try await eventually("the command arrived") { seen.withLock { $0.contains("GET a") } }
                waits.cancel()
                #expect(await waits.value == .failure(.cancelled))
                let before = Task {
                    while !Task.isCancelled { await Task.yield() }
                    return await outcome(redis, ["GET", "b"])
                }
                before.cancel()
                #expect(await before.value == .failure(.cancelled))
                #expect(!seen.withLock { $0.contains("GET b") })
            }
        }
    }

    @Test(arguments: ["garbage\r\n", ":1x\r\n", "$-7\r\n", "%1\r\n"])
    func `F-R13: bytes that are not RESP end the connection, those who wait are told, and it connects anew`(
        bytes: String
    ) async throws {
        try await withFakeRedis({ number, command in
            if number == 1 && command[0] == "GET" { return command[1] == "bad" ? .reply(bytes) : .nothing }
            return Self.echo()(number, command)
        }) { configuration in
            try await withConnection(configuration) { redis in
                async let before = outcome(redis, ["GET", "silent"], deadline: .seconds(10))
                async let bad = outcome(redis, ["GET", "bad"], deadline: .seconds(10))
                for outcome in [await before, await bad] {
                    guard case .failure(.protocolViolation) = outcome else {
                        Issue.record("not a violation: \(outcome)")
                        return
                    }
                }
                try await eventually("it is connected again") {
                    try await redis.send(["ECHO", "a"], deadline: .seconds(5)) == .bulk(ByteBuffer(string: "a"))
                }
                try FaultReport(
                    "F-R13", invariant: "bytes that are not RESP: connection dropped, made anew, L1",
                    bound: "0 replies made of them", measured: "0"
                ).report()
            }
        }
    }

    @Test func `a reply that nobody asked for ends the connection`() async throws {
        try await withFakeRedis({ number, command in
            if number == 1 && command[0] == "ECHO" { return .reply(":1\r\n:2\r\n") }
            return Self.echo()(number, command)
        }) { configuration in
            try await withConnection(configuration) { redis in
                let first = try await redis.send(["ECHO", "a"], deadline: .seconds(5))
                #expect(first == .integer(1))
                try await eventually("it is connected again") {
                    try await redis.send(["ECHO", "b"], deadline: .seconds(5)) == .bulk(ByteBuffer(string: "b"))
                }
            }
        }
    }

    @Test func `a connection that is cut tells all who wait, and fails fast until it is back`() async throws {
        try await withRedis { server in
            try await withConnection(to: server, adjust: { $0.connectTimeout = .seconds(1) }) { redis in
                /// Of the connection that is blocked, the bytes of commands that wait behind.
                func bytesBehind() async throws -> Int? {
                    guard case .bulk(let list) = try await server.send(["CLIENT", "LIST"]) else { return nil }
                    let blocked = String(buffer: list).split(separator: "\n").first { $0.contains(" flags=b ") }
                    let field = blocked?.split(separator: " ").first { $0.hasPrefix("qbuf=") }
                    return field.flatMap { Int($0.dropFirst("qbuf=".count)) }
                }
                async let blocked = outcome(redis, ["BLPOP", "nothing", "0"], deadline: .seconds(60))
                try await eventually("the command blocks") { try await bytesBehind() == 0 }
                async let behind = outcome(redis, ["ECHO", "a"], deadline: .seconds(60))
                try await eventually("the next one waits behind") { try await bytesBehind() ?? 0 > 0 }
                server.kill()
                for outcome in [await blocked, await behind] {
                    guard case .failure(.disconnected) = outcome else {
                        Issue.record("not disconnected: \(outcome)")
                        return
                    }
                }
                guard case .failure(.unavailable) = await outcome(redis, ["ECHO", "a"]) else {
                    Issue.record("a command was accepted without a connection")
                    return
                }
                guard case .broken = redis.state else {
                    Issue.record("state \(redis.state)")
                    return
                }
                try await server.restart()
                try await redis.waitUntilReady(timeout: .seconds(20))
                #expect(await outcome(redis, ["ECHO", "a"]) == .success(.bulk(ByteBuffer(string: "a"))))
            }
        }
    }

    @Test func `a killed client connects again by itself`() async throws {
        try await withRedis { server in
            try await withConnection(to: server) { redis in
                for _ in 0..<3 {
                    let before = try await redis.send(["CLIENT", "ID"])
                    try await server.send(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"])
                    try await eventually("a new connection") {
                        let now = try await redis.send(["CLIENT", "ID"])
                        return now != before
                    }
                }
            }
        }
    }

    @Test func `F-R4: commands beyond the bound are refused at once, the others keep waiting`() async throws {
        try await withFakeRedis({ number, command in
            command[0] == "GET" ? .nothing : Self.echo()(number, command)
        }) { configuration in
            var configuration = configuration
            configuration.maxWaiting = 50
            try await withConnection(configuration) { redis in
                let outcomes = Outcomes()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<200 {
                        group.addTask {
                            let result = await outcome(redis, ["GET", "a"], deadline: .seconds(60))
                            outcomes.all.withLock { $0.append(result) }
                        }
                    }
                    try await eventually("150 are refused") { outcomes.all.withLock { $0.count } >= 150 }
                    #expect(redis.state == .ready)
                    await redis.close()
                    try await group.waitForAll()
                }
                let reasons = outcomes.all.withLock { $0 }.map { outcome in
                    if case .failure(.unavailable(let reason)) = outcome { reason } else { "\(outcome)" }
                }
                #expect(reasons.filter { $0 == "50 commands wait for a reply already" }.count == 150)
                #expect(reasons.filter { $0 == "closed" }.count == 50)
                try FaultReport(
                    "F-R4", invariant: "waiters on one connection are bounded, M1", bound: "50 of 200 wait",
                    measured: "\(reasons.filter { $0 == "closed" }.count) waited, the rest refused at once"
                ).report()
            }
        }
    }

    @Test func `the breaker opens after timeouts, fails fast, and closes when a probe is answered`() async throws {
        try await withRedis { server in
            try await withConnection(
                to: server, adjust: { $0.commandDeadline = .milliseconds(250) }
            ) { redis in
                server.pause()
                for _ in 0..<8 {
                    let outcome = await outcome(redis, ["ECHO", "a"], deadline: .milliseconds(250))
                    guard case .failure(.timedOut) = outcome else { break }
                }
                try await eventually("the breaker is open") { if case .broken = redis.state { true } else { false } }
                guard case .failure(.unavailable) = await outcome(redis, ["ECHO", "a"]) else {
                    Issue.record("a command was sent to a server that does not answer")
                    return
                }
                server.resume()
                try await eventually("the breaker is closed") { redis.state == .ready }
                try await eventually("commands work") {
                    try await redis.send(["ECHO", "a"]) == .bulk(ByteBuffer(string: "a"))
                }
            }
        }
    }

    @Test func `behind a command that is late none waits, and its reply ends that`() async throws {
        let sent = Mutex(0)
        try await withFakeRedis({ number, command in
            guard command[0] == "ECHO", command[1] == "late" else { return Self.echo()(number, command) }
            sent.withLock { $0 += 1 }
            return .delayed("$4\r\nlate\r\n", .milliseconds(900))
        }) { configuration in
            var configuration = configuration
            configuration.commandDeadline = .milliseconds(300)
            try await withConnection(configuration) { redis in
                #expect(await outcome(redis, ["ECHO", "late"]) == .failure(.timedOut))
                for _ in 0..<20 {
                    #expect(
                        await outcome(redis, ["ECHO", "late"])
                            == .failure(.unavailable(reason: "Redis is late with an older command")))
                }
                #expect(redis.state == .ready && sent.withLock { $0 } == 1)
                try await eventually("the reply has come") {
                    try await redis.send(["ECHO", "a"]) == .bulk(ByteBuffer(string: "a"))
                }
            }
        }
    }

    @Test func `a probe that is answered closes the breaker on the same connection`() async throws {
        let connections = Mutex(0)
        let isSilent = Mutex(false)
        let owed = Mutex(0)
        try await withFakeRedis({ number, command in
            connections.withLock { $0 = max($0, number) }
            guard isSilent.withLock({ $0 }) else { return Self.echo()(number, command) }
            guard command[0] == "PING" else {
                owed.withLock { $0 += 1 }
                return .nothing
            }
            isSilent.withLock { $0 = false }
            return .reply(String(repeating: "$-1\r\n", count: owed.withLock { $0 }) + "+PONG\r\n")
        }) { configuration in
            var configuration = configuration
            configuration.commandDeadline = .milliseconds(300)
            configuration.breakerTimeouts = 4
            configuration.maxWaiting = 4
            try await withConnection(configuration) { redis in
                isSilent.withLock { $0 = true }
                let outcomes = await withTaskGroup { group in
                    for _ in 0..<4 { group.addTask { await outcome(redis, ["ECHO", "a"]) } }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(outcomes == Array(repeating: .failure(.timedOut), count: 4))
                try await eventually("the probe closed the breaker") { redis.state == .ready }
                let reply = try await redis.send(["ECHO", "b"], deadline: .seconds(5))
                #expect(reply == .bulk(ByteBuffer(string: "b")))
                #expect(connections.withLock { $0 } == 1)
            }
        }
    }

    @Test func `a server that stays silent is given up and dialled again`() async throws {
        let connections = Mutex(0)
        try await withFakeRedis({ number, command in
            connections.withLock { $0 = max($0, number) }
            return number == 1 && command[0] == "ECHO" ? .nothing : Self.echo()(number, command)
        }) { configuration in
            var configuration = configuration
            configuration.commandDeadline = .milliseconds(200)
            try await withConnection(configuration) { redis in
                #expect(await outcome(redis, ["ECHO", "a"]) == .failure(.timedOut))
                try await eventually("the second connection answers") {
                    try await redis.send(["ECHO", "b"]) == .bulk(ByteBuffer(string: "b"))
                }
                #expect(connections.withLock { $0 } >= 2)
            }
        }
    }

    @Test func `F-R5: a server that does not answer is asked by one probe at a time`() async throws {
        let isSilent = Mutex(false)
        let probes = Mutex<[Int: Int]>([:])
        try await withFakeRedis({ number, command in
            guard isSilent.withLock({ $0 }) else { return Self.echo()(number, command) }
            if command[0] == "PING" { probes.withLock { $0[number, default: 0] += 1 } }
            return .nothing
        }) { configuration in
            var configuration = configuration
            configuration.commandDeadline = .milliseconds(50)
            configuration.connectTimeout = .milliseconds(100)
            try await withConnection(configuration) { redis in
                isSilent.withLock { $0 = true }
                // While it is silent somebody asks all the time.
                try await eventually("it was given up and dialled again, several times", within: .seconds(30)) {
                    _ = await outcome(redis, ["ECHO", "a"])
                    return (probes.withLock { $0.keys.max() } ?? 0) >= 4
                }
                // Of the connections that are not the newest nothing more will come.
                let most = probes.withLock { $0.values.max() } ?? 0
                #expect(most == 1)
                isSilent.withLock { $0 = false }
                try await eventually("commands work", within: .seconds(30)) {
                    try await redis.send(["ECHO", "b"]) == .bulk(ByteBuffer(string: "b"))
                }
                try FaultReport(
                    "F-R5", invariant: "half-open probes at once", bound: "1", measured: "\(most)"
                ).report()
            }
        }
    }

    @Test func `a demoted server is left`() async throws {
        try await withRedis { server in
            try await withConnection(to: server) { redis in
                let before = try await redis.send(["CLIENT", "ID"])
                try await server.send(["REPLICAOF", "127.0.0.1", "1"])
                guard case .failure(.writeRefused) = await outcome(redis, ["SET", "a", "1"]) else {
                    Issue.record("a replica took a write")
                    return
                }
                try await eventually("a new connection") { try await redis.send(["CLIENT", "ID"]) != before }
            }
        }
    }

    @Test func `closing tells all who wait and refuses what comes after`() async throws {
        try await withFakeRedis({ number, command in
            command[0] == "GET" ? .nothing : Self.echo()(number, command)
        }) { configuration in
            try await withConnection(configuration) { redis in
                async let waits = outcome(redis, ["GET", "a"], deadline: .seconds(60))
                try await Task.sleep(for: .milliseconds(1))
                await redis.close()
                guard case .failure(.unavailable) = await waits else {
                    Issue.record("not told")
                    return
                }
                #expect(await outcome(redis, ["GET", "a"]) == .failure(.unavailable(reason: "closed")))
                #expect(redis.state == .broken(reason: "closed"))
            }
        }
    }
}

private final class Outcomes: Sendable {
    let all = Mutex<[RedisCall.Outcome]>([])
}

/// The outcome as a value, since a test looks at failures as much as at replies. Asked for on the connection's loop, so
/// that a deadline is not spent on the way there.
func outcome(
    _ redis: RedisConnection, _ command: [RedisArgument], deadline: Duration? = nil
) async -> RedisCall.Outcome {
    let executor = EventLoopTaskExecutor(redis.eventLoop)
    return await withTaskExecutorPreference(executor) {
        do throws(RedisError) {
            guard let deadline else { return .success(try await redis.send(command)) }
            return .success(try await redis.send(command, deadline: deadline))
        } catch {
            return .failure(error)
        }
    }
}
