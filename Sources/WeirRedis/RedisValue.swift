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
