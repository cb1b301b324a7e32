import NIOCore

/// One argument of a command, kept as the caller has it until it is written to the connection.
package enum RedisArgument: Sendable, Equatable {
    case string(String)
    case bytes([UInt8])
    case buffer(ByteBuffer)
    /// Written as decimal text.
    case int(Int)
}

extension RedisArgument: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral {
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .int(value) }
}
