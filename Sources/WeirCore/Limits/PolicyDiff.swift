#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What changes when one policy takes the place of another, item by item: pure, for people and programs.
///
/// Compares what is published, so that no field of a policy can be forgotten here.
public struct PolicyDiff: Sendable, Hashable, Codable {
    public struct Change: Sendable, Hashable, Codable {
        public enum Kind: String, Sendable, Hashable, Codable { case added, removed, changed }

        public var kind: Kind
        /// What it is about: `product`, `class`, `limit`, or a setting such as `ladder`.
        public var item: String
        /// Which product, class or limit; nil for a setting.
        public var name: String?
        /// Those that differ, in order of names; of an added item all it has, of a removed one all it had.
        public var fields: [Field]
    }

    public struct Field: Sendable, Hashable, Codable {
        public var name: String
        /// Nil: there was none, or there is none any more.
        public var old: String?
        public var new: String?
    }

    public var changes: [Change]
    public var isEmpty: Bool { changes.isEmpty }

    /// Neither versions are compared, which say when and not what, nor the order of limits, which says nothing.
    public init(from old: Policy, to new: Policy) throws {
        let (old, new) = (try Self.items(old), try Self.items(new))
        changes = Set(old.keys).union(new.keys).sorted().compactMap { item in
            let (before, after) = (old[item], new[item])
            let fields = Self.differing(before ?? [:], after ?? [:])
            // A setting is always there, be it as nothing.
            let isChange = item.name == nil || (before != nil && after != nil)
            if isChange, fields.isEmpty { return nil }
            return Change(
                kind: isChange ? .changed : after != nil ? .added : .removed, item: item.kind, name: item.name,
                fields: fields)
        }
    }

    private typealias Fields = [String: String]

    private struct Item: Hashable, Comparable {
        let kind: String
        var name: String?

        /// Products, classes, limits, then settings.
        static func < (left: Item, right: Item) -> Bool {
            let order = ["product", "class", "limit"]
            let (a, b) = (order.firstIndex(of: left.kind) ?? 3, order.firstIndex(of: right.kind) ?? 3)
            return (a, left.kind, left.name ?? "") < (b, right.kind, right.name ?? "")
        }
    }

    private static func differing(_ old: Fields, _ new: Fields) -> [Field] {
        Set(old.keys).union(new.keys).sorted().filter { old[$0] != new[$0] }
            .map { Field(name: $0, old: old[$0], new: new[$0]) }
    }

    /// Every product, class, limit and setting with its fields.
    private static func items(_ policy: Policy) throws -> [Item: Fields] {
        guard case .object(let members) = try JSONDecoder().decode(Tree.self, from: JSONEncoder().encode(policy)) else {
            return [:]
        }
        var items: [Item: Fields] = [:]
        for (key, value) in members where key != "version" {
            switch (key, value) {
            case ("products", .object(let products)):
                for (name, tree) in products { items[Item(kind: "product", name: name)] = tree.fields(of: "product") }
            case ("classes", .object(let classes)):
                for (name, tree) in classes { items[Item(kind: "class", name: name)] = tree.fields(of: "class") }
            case ("limits", .array(let limits)):
                for limit in limits {
                    guard case .object(let parts) = limit, case .text(let id)? = parts["id"] else { continue }
                    items[Item(kind: "limit", name: id)] = limit.fields(
                        of: "limit", isMoney: parts["unit"] == .text("usd"))
                }
            default:
                let fields = value.fields(of: key)
                if !fields.isEmpty { items[Item(kind: key)] = fields }
            }
        }
        return items
    }
}

/// JSON as a policy has it, and as an operator reads it.
private indirect enum Tree: Hashable, Decodable {
    case object([String: Tree])
    case array([Tree])
    case text(String)
    case number(Int)
    case bool(Bool)
    case null

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? value.decode(Int.self) {
            self = .number(number)
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let array = try? value.decode([Tree].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: Tree].self))
        }
    }

    /// Name → text, in the words of the policy file. What is empty is left out.
    /// - Parameter kind: of the item that this is a part of.
    /// - Parameter path: the names that lead here.
    /// - Parameter isMoney: amounts are micro-dollars.
    func fields(of kind: String, _ path: [String] = [], isMoney: Bool = false) -> [String: String] {
        switch self {
        case .object(let members):
            var all: [String: String] = [:]
            for (key, value) in members where path.isEmpty ? key != "id" : true {
                // In the file these stand beside the limit's other fields.
                let next = key == "match" || key == "span" ? path : path + [key]
                all.merge(value.fields(of: kind, next, isMoney: isMoney)) { first, _ in first }
            }
            return all
        case .null: return [:]
        case .array(let values) where values.isEmpty: return [:]
        case .array, .text, .number, .bool:
            return [Self.word(path.isEmpty ? [kind] : path): text(of: kind, path, isMoney: isMoney)]
        }
    }

    private func text(of kind: String, _ path: [String], isMoney: Bool) -> String {
        switch self {
        case .text(let text): text
        case .bool(let bool): "\(bool)"
        case .null: ""
        case .number(let number): Self.text(number, of: kind, path, isMoney: isMoney)
        case .array(let values): values.map { $0.text(of: kind, path, isMoney: isMoney) }.joined(separator: ", ")
        case .object:
            fields(of: kind, path).sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: " ")
        }
    }

    private static func text(_ number: Int, of kind: String, _ path: [String], isMoney: Bool) -> String {
        let isAmount = kind == "limit" && ["amount", "groupAmounts"].contains(path.first)
        if isAmount, number == 0 { return "unlimited" }
        let name = path.last ?? ""
        if name.hasSuffix("_micros") || (isAmount && isMoney) { return MicroUSD(micros: number).description }
        if name.hasSuffix("_ms") { return number % 1000 == 0 ? "\(number / 1000)s" : "\(number)ms" }
        // Shares are kept in ten-thousandths.
        if name == "downgradeAt" || (kind == "alerts" && name == "at") {
            return MicroUSD(micros: number.multipliedSaturated(by: 100)).description
        }
        return "\(number)"
    }

    private static let words = ["groupAmounts": "groups", "groupRule": "group_rule", "downgradeAt": "downgrade_at"]

    /// The name in the policy file.
    private static func word(_ path: [String]) -> String {
        path.map { name in
            for unit in ["_micros", "_ms"] where name.hasSuffix(unit) { return String(name.dropLast(unit.count)) }
            return words[name] ?? name
        }.joined(separator: ".")
    }
}
