import NIOCore
import NIOPosix
import Synchronization
import Testing
import WeirTestSupport

@testable import WeirRedis

/// What callers get when the server is slow or silent, or nobody waits for the answer any more.
@Suite struct LateAnswerTests {
    @Test func `a timed-out command does not shift the replies of others`() async throws {
        try await withFakeRedis(echo { $0 == "slow" ? .milliseconds(150) : nil }) { configuration in
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
            return command[0] == "GET" ? .nothing : echo()(number, command)
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

    @Test func `F-R4: commands beyond the bound are refused at once, the others keep waiting`() async throws {
        try await withFakeRedis({ number, command in
            command[0] == "GET" ? .nothing : echo()(number, command)
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
            guard command[0] == "ECHO", command[1] == "late" else { return echo()(number, command) }
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
            guard isSilent.withLock({ $0 }) else { return echo()(number, command) }
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
            return number == 1 && command[0] == "ECHO" ? .nothing : echo()(number, command)
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
            guard isSilent.withLock({ $0 }) else { return echo()(number, command) }
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
}

private final class Outcomes: Sendable {
    let all = Mutex<[RedisCall.Outcome]>([])
}
