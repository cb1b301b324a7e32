import CHiredis
import NIOCore
import Testing
import WeirCore

@testable import WeirRedis

/// Commands as they go out, held against hiredis's own formatter.
@Suite struct RedisCommandFormatterTests {
    @Test func `a command is written as hiredis writes it`() throws {
        let commands: [[RedisArgument]] = [
            [], ["PING"], ["SET", "", .bytes([])], ["GET", "schlüssel\r\n\0"],
            ["INCRBY", "n", .int(-9_223_372_036_854_775_808)],
            ["A", .int(0), .int(9), .int(10), .int(-1), .int(.max)],
            ["B", .bytes(Array(repeating: 7, count: 100_000))],
            ["C", .buffer(ByteBuffer(string: "in a buffer")), .string(String(repeating: "ä", count: 999))],
        ]
        for command in commands { #expect(try written(command) == writtenByHiredis(command), "\(command)") }
    }

    @Test func `random commands are written as hiredis writes them`() throws {
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
            #expect(try written(command) == writtenByHiredis(command), "\(command)")
        }
    }

    @Test func `commands follow each other`() {
        var output = ByteBuffer()
        RedisCommandFormatter.append(["PING"], to: &output)
        RedisCommandFormatter.append(["ECHO", .int(12)], to: &output)
        #expect(String(buffer: output) == "*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$2\r\n12\r\n")
    }

    private func written(_ command: [RedisArgument]) -> [UInt8] {
        var output = ByteBuffer()
        RedisCommandFormatter.append(command, to: &output)
        return Array(output.readableBytesView)
    }

    private func writtenByHiredis(_ command: [RedisArgument]) throws -> [UInt8] {
        let arguments: [[UInt8]] = command.map { argument in
            switch argument {
            case .string(let text): Array(text.utf8)
            case .bytes(let bytes): bytes
            case .buffer(let buffer): Array(buffer.readableBytesView)
            case .int(let number): Array(String(number).utf8)
            }
        }
        let joined = Array(arguments.joined()) + [0]
        return try joined.withUnsafeBufferPointer { all in
            var start = UnsafeRawPointer(try #require(all.baseAddress)).assumingMemoryBound(to: CChar.self)
            var pointers: [UnsafePointer<CChar>?] = []
            for argument in arguments {
                pointers.append(start)
                start += argument.count
            }
            var target: UnsafeMutablePointer<CChar>?
            let count = redisFormatCommandArgv(&target, Int32(arguments.count), &pointers, arguments.map(\.count))
            let made = try #require(target)
            defer { redisFreeCommand(made) }
            return Array(UnsafeRawBufferPointer(start: made, count: Int(count)))
        }
    }
}
