/// Whether Redis may forget keys when its memory is full: then what was spent is forgotten with them.
package struct RedisEviction: Sendable, Hashable {
    /// `maxmemory-policy`.
    package let policy: String
    /// Bytes; 0: without bound, and the policy has no effect.
    package let maxmemory: Int

    /// - Parameter info: the text of `INFO memory`; nil if it does not say.
    package init?(info: String) {
        var fields: [Substring: Substring] = [:]
        for line in info.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon]] = line[line.index(after: colon)...]
        }
        guard let policy = fields["maxmemory_policy"], let maxmemory = fields["maxmemory"].flatMap({ Int($0) }) else {
            return nil
        }
        (self.policy, self.maxmemory) = (String(policy), maxmemory)
    }

    /// True if keys may be forgotten now.
    package var isAtWork: Bool { maxmemory > 0 && policy != "noeviction" }

    /// What is wrong and what to do; nil: nothing.
    package var problem: String? {
        isAtWork
            ? "Redis may forget what was spent: maxmemory-policy is \(policy); CONFIG SET maxmemory-policy noeviction, and the same in redis.conf"
            : nil
    }
}
