/// Why an outbox cannot be used. Each says what is wrong, where, and what to do.
public struct OutboxError: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
