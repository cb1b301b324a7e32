#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The kill switch as it stands in the hash `weir:kill-switch`: a field is a ``Scope``, its value an ``Entry``.
///
/// Thrown by an operator, or by the aggregator when the cost guard's threshold is passed; read by every node.
public enum KillSwitch {
    /// What an entry stops: everything that heeds the switch, or the calls of one product, team, model or class.
    public enum Scope: Sendable, Hashable {
        case global
        case product(String)
        case team(String)
        case model(String)
        case callClass(String)

        /// `global`, `product:x`, `team:x`, `model:x`, `class:x`: the hash's field.
        public var text: String {
            switch self {
            case .global: "global"
            case .product(let id): "product:" + id
            case .team(let id): "team:" + id
            case .model(let id): "model:" + id
            case .callClass(let id): "class:" + id
            }
        }

        /// Nil for any other text. The kind may be typed in capitals; the name after the colon may hold further colons.
        public init?(_ text: String) {
            if text.lowercased() == "global" {
                self = .global
                return
            }
            guard let colon = text.firstIndex(of: ":") else { return nil }
            let name = String(text[text.index(after: colon)...])
            guard !name.isEmpty else { return nil }
            switch text[..<colon].lowercased() {
            case "product": self = .product(name)
            case "team": self = .team(name)
            case "model": self = .model(name)
            case "class": self = .callClass(name)
            default: return nil
            }
        }
    }

    /// Whether a scope is stopped, by whom, why, and since and until when.
    public struct Entry: Sendable, Hashable, Codable {
        public var on: Bool
        /// One sentence for a person.
        public var reason: String
        /// Who threw it: an operator's name, or `aggregator`.
        public var actor: String
        /// Unix seconds.
        public var since: Int
        /// Unix seconds from which the entry no longer stops anything; nil: until it is switched off.
        public var until: Int?

        public init(on: Bool, reason: String, actor: String, since: Int, until: Int? = nil) {
            self.on = on
            self.reason = reason
            self.actor = actor
            self.since = since
            self.until = until
        }

        /// Reads a value of the hash. It cannot fail, since a switch that cannot be read must stop calls, not let them
        /// through: anything but an entry, `off` or `0` counts as thrown, with the text itself as the reason. So
        /// `redis-cli HSET weir:kill-switch global on` works, too. Fields an operator left out are empty.
        public init(value: String) {
            if let entry = try? JSONDecoder().decode(Entry.self, from: Data(value.utf8)) {
                self = entry
            } else {
                let text = value.lowercased()
                self.init(on: text != "off" && text != "0", reason: String(value.prefix(200)), actor: "", since: 0)
            }
        }

        /// The hash's value: one JSON object with its fields in alphabetical order.
        public var value: String {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            guard let data = try? encoder.encode(self) else { return on ? "on" : "off" }
            return String(decoding: data, as: UTF8.self)
        }

        /// True if it stops calls at `nowMs` (Redis's time, milliseconds since 1970).
        public func isThrown(nowMs: Int) -> Bool {
            guard on else { return false }
            guard let until else { return true }
            return nowMs < until.multipliedSaturated(by: 1000)
        }

        public init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            on = try values.decode(Bool.self, forKey: .on)
            reason = try values.decodeIfPresent(String.self, forKey: .reason) ?? ""
            actor = try values.decodeIfPresent(String.self, forKey: .actor) ?? ""
            since = try values.decodeIfPresent(Int.self, forKey: .since) ?? 0
            until = try values.decodeIfPresent(Int.self, forKey: .until)
        }
    }
}
