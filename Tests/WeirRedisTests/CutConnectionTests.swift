import NIOCore
import NIOPosix
import Synchronization
import Testing
import WeirTestSupport

@testable import WeirRedis

/// What callers get when the connection ends, or has to be left.
@Suite struct CutConnectionTests {
    @Test(arguments: ["garbage\r\n", ":1x\r\n", "$-7\r\n", "%1\r\n"])
    func `F-R13: bytes that are not RESP end the connection, those who wait are told, and it connects anew`(
        bytes: String
    ) async throws {
        try await withFakeRedis({ number, command in
            if number == 1 && command[0] == "GET" { return command[1] == "bad" ? .reply(bytes) : .nothing }
            return echo()(number, command)
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
            return echo()(number, command)
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
            command[0] == "GET" ? .nothing : echo()(number, command)
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
