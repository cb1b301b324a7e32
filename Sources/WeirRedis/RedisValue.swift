import NIOCore

/// One reply of a Redis server, RESP2.
package enum RedisValue: Sendable, Equatable {
    case null
    case integer(Int)
    /// A status line such as `OK`.
    case status(String)
    /// A bulk string. Bytes, not text: values may hold anything.
    case bulk(ByteBuffer)
    case array([RedisValue])
    /// An error inside an array reply; an error reply as such is thrown as ``RedisError``.
    case error(String)
}

extension RedisValue {
    /// A bulk or status reply as text.
    var plainText: String? {
        switch self {
        case .bulk(let buffer): String(buffer: buffer)
        case .status(let text): text
        case .null, .integer, .array, .error: nil
        }
    }
}
