import WeirCore

/// Where a team's (or an address's) hot keys live: one of a fixed number of shards, so that one script touches one slot.
package struct Shard: Sendable, Hashable {
    /// How many a new deployment gets. Fixed in `weir:meta` at its birth; a node that disagrees refuses to start.
    package static let defaultCount = 16

    package let number: Int

    package init(number: Int) { self.number = number }

    /// The shard of a team's id, or of an address: 64-bit FNV-1a of its UTF-8 (draft-eastlake-fnv), folded to 32 bits,
    /// modulo `count`. Part of the stored layout: it must never change under a living deployment.
    package init(of name: String, count: Int = defaultCount) {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in name.utf8 {
            hash ^= UInt64(byte)
            hash = hash &* 0x0000_0100_0000_01b3
        }
        number = Int((hash >> 32) ^ (hash & 0xffff_ffff)) % max(1, count)
    }

    /// Where a subject is counted: with its team; an address, a product and everybody, whom several teams share, in one
    /// shard of their own, so that their limits are exact across all teams.
    package init(of subject: Subject, team: String, count: Int) {
        switch subject {
        case .team, .user, .group, .key: self.init(of: team, count: count)
        case .ip, .product, .global: self.init(of: subject.text, count: count)
        }
    }

    /// The shard that a key's hash tag names, `weir:{07}:…`; nil for any other key.
    package init?(ofKey key: String) {
        let rest = key.drop { $0 != "{" }.dropFirst()
        guard let number = Int(rest.prefix { $0 != "}" }), rest.contains("}"), (0...99).contains(number) else {
            return nil
        }
        self.number = number
    }

    /// The hash tag: `{07}`.
    package var tag: String { number < 10 ? "{0\(number)}" : "{\(number)}" }

    package static func all(count: Int) -> [Shard] { (0..<count).map(Shard.init(number:)) }
}
