#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Why an outbox cannot be used. Each says what is wrong, where, and what to do.
public struct OutboxError: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }

    /// - Parameter what: that the system refused: "cannot be made".
    init(_ path: String, _ what: String, errno code: Int32) {
        self.init("outbox \(path) \(what): \(String(cString: strerror(code)))")
    }
}
