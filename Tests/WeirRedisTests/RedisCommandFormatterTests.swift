import NIOCore
import Testing
import WeirCore

@testable import WeirRedis

/// Commands as they go out, read back by hiredis.
@Suite struct RedisCommandFormatterTests {
    @Test func `a command is read back as it was`() throws {
        let commands: [[RedisArgument]] = [
            ["PING"], ["SET", "", .bytes([])], ["GET", "schlüssel\r\n\0"],
            ["INCRBY", "n", .int(-9_223_372_036_854_775_808)],
            ["A", .int(0), .int(9), .int(10), .int(-1), .int(.max)],
            ["B", .bytes(Array(repeating: 7, count: 100_000))],
            ["C", .buffer(ByteBuffer(string: "in a buffer")), .string(String(repeating: "ä", count: 999))],
        ]
        for command in commands { #expect(try readBack(command) == arguments(command), "\(command)") }
    }

    @Test func `random commands are read back as they were`() throws {
        for _ in 0..<500 {
            let command: [RedisArgument] = (0..<Int.random(in: 1...20)).map { _ in
                let bytes = (0..<Int.random(in: 0...40)).map { _ in UInt8.random(in: 0...255) }
                return switch Int.random(in: 0...3) {
                case 0: .string(String(decoding: bytes, as: UTF8.self))
                case 1: .bytes(bytes)
                case 2: .buffer(ByteBuffer(bytes: bytes))
                default: .int(Int.random(in: .min ... .max) >> Int.random(in: 0...63))
                }
            }
            #expect(try readBack(command) == arguments(command), "\(command)")
        }
    }

    @Test func `commands follow each other`() {
        var output = ByteBuffer()
        RedisCommandFormatter.append(["PING"], to: &output)
        RedisCommandFormatter.append(["ECHO", .int(12)], to: &output)
        #expect(String(buffer: output) == "*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$2\r\n12\r\n")
    }

    /// A command is an array of strings, so the reader of replies reads it.
    private func readBack(_ command: [RedisArgument]) throws -> RedisValue? {
        var output = ByteBuffer()
        RedisCommandFormatter.append(command, to: &output)
        var reader = try RedisReplyReader()
        try reader.feed(output)
        let value = try reader.next()
        // Nothing is left behind it.
        #expect(try reader.next() == nil)
        return value
    }

    private func arguments(_ command: [RedisArgument]) -> RedisValue {
        .array(
            command.map { argument in
                switch argument {
                case .string(let text): .bulk(ByteBuffer(string: text))
                case .bytes(let bytes): .bulk(ByteBuffer(bytes: bytes))
                case .buffer(let buffer): .bulk(buffer)
                case .int(let number): .bulk(ByteBuffer(string: String(number)))
                }
            })
    }
}
