import NIOCore
import WeirCore

/// Writes commands as RESP: an array of bulk strings (https://redis.io/docs/latest/develop/reference/protocol-spec/).
///
/// Byte for byte what hiredis's `redisFormatCommandArgv` makes; that one prints the length of each argument by
/// `sprintf`, which took more of a call's instructions than both of its scripts' other work in the client.
enum RedisCommandFormatter {
    static func append(_ command: [RedisArgument], to output: inout ByteBuffer) {
        var bytes = 3 + ByteCursor.bytes(ofDecimal: command.count)
        for argument in command {
            let count = argument.byteCount
            bytes += 5 + ByteCursor.bytes(ofDecimal: count) + count
        }
        _ = output.writeWithUnsafeMutableBytes(minimumWritableBytes: bytes) { space in
            var cursor = ByteCursor(space)
            cursor.put(UInt8(ascii: "*"))
            cursor.put(decimal: command.count)
            cursor.put("\r\n" as StaticString)
            for argument in command {
                cursor.put(UInt8(ascii: "$"))
                cursor.put(decimal: argument.byteCount)
                cursor.put("\r\n" as StaticString)
                switch argument {
                case .string(let text): cursor.put(text)
                case .bytes(let bytes): bytes.withUnsafeBytes { cursor.put($0) }
                case .buffer(let buffer): buffer.withUnsafeReadableBytes { cursor.put($0) }
                case .int(let number): cursor.put(decimal: number)
                }
                cursor.put("\r\n" as StaticString)
            }
            return cursor.count
        }
    }
}

extension RedisArgument {
    fileprivate var byteCount: Int {
        switch self {
        case .string(let text): text.utf8.count
        case .bytes(let bytes): bytes.count
        case .buffer(let buffer): buffer.readableBytes
        case .int(let number): ByteCursor.bytes(ofDecimal: number)
        }
    }
}
