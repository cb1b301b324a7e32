/// Who is limited: a team, a user or group of a team, an API key, an address, a product, or everybody.
///
/// The text is part of Redis keys. Ids come from outside, so they are checked (``isValidID(_:)``); a user's and a
/// group's text begins with the team, since two teams may each have an `alice`: `user:acme/alice`. An address is the form
/// in which limits count it (``IPAddress/subject``).
public enum Subject: Sendable, Hashable {
    case team(String)
    case user(team: String, id: String)
    case group(team: String, id: String)
    case key(String)
    case ip(String)
    case product(String)
    case global

    /// `team:acme`, `user:acme/alice`, `group:acme/contractors`, `key:1f3a…`, `ip:192.0.2.7`, `product:search`, `global`.
    public var text: String {
        switch self {
        case .team(let id): "team:" + id
        case .user(let team, let id): "user:" + team + "/" + id
        case .group(let team, let id): "group:" + team + "/" + id
        case .key(let id): "key:" + id
        case .ip(let address): "ip:" + address
        case .product(let id): "product:" + id
        case .global: "global"
        }
    }

    /// Reads what ``text`` writes; an address in any form. Nil for anything else.
    public init?(_ text: String) {
        guard text != "global" else {
            self = .global
            return
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { return nil }
        let member = parts[1].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        switch parts[0] {
        case "team" where Self.isValidID(parts[1]): self = .team(parts[1])
        case "user" where member.count == 2 && member.allSatisfy(Self.isValidID):
            self = .user(team: member[0], id: member[1])
        case "group" where member.count == 2 && member.allSatisfy(Self.isValidID):
            self = .group(team: member[0], id: member[1])
        case "key" where Self.isValidID(parts[1]): self = .key(parts[1])
        case "product" where Self.isValidID(parts[1]): self = .product(parts[1])
        case "ip":
            // A client's network is known by any address in it.
            let address = parts[1].hasSuffix("/64") ? parts[1].dropLast(3) : parts[1][...]
            guard let address = IPAddress(address), address.isV6 || !parts[1].hasSuffix("/64") else { return nil }
            self = .ip(address.subject)
        default: return nil
        }
    }

    /// True for 1 to 128 bytes of `[A-Za-z0-9._@:-]`: what may become part of a key.
    public static func isValidID(_ id: String) -> Bool {
        guard (1...128).contains(id.utf8.count) else { return false }
        return id.withBytes { bytes in
            bytes.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "@"),
                    UInt8(ascii: ":"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
        }
    }
}
