/// An amount of money in micro-dollars: `1_000_000` is one US dollar. All money in Weir has this type.
///
/// Arithmetic saturates instead of trapping, because parts of the sums come from outside.
public struct MicroUSD: Sendable, Hashable, Comparable, Codable {
    public var micros: Int

    public static let zero = MicroUSD(micros: 0)

    public init(micros: Int) { self.micros = micros }

    public init(from decoder: any Decoder) throws {
        micros = try decoder.singleValueContainer().decode(Int.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(micros)
    }

    public static func < (left: MicroUSD, right: MicroUSD) -> Bool { left.micros < right.micros }

    public static func + (left: MicroUSD, right: MicroUSD) -> MicroUSD {
        MicroUSD(micros: left.micros.addingSaturated(right.micros))
    }
}

extension MicroUSD: LosslessStringConvertible {
    /// Reads a decimal number of dollars such as `12`, `0.5` or `20.00`: digits, at most six of them after the point.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, !whole.isEmpty, whole.allSatisfy({ $0.isASCII && $0.isNumber }),
            let dollars = Int(whole), dollars <= 9_000_000_000
        else { return nil }
        var fraction = 0
        if parts.count == 2 {
            guard !parts[1].isEmpty, parts[1].count <= 6, parts[1].allSatisfy({ $0.isASCII && $0.isNumber }) else {
                return nil
            }
            fraction = Int(parts[1] + String(repeating: "0", count: 6 - parts[1].count)) ?? 0
        }
        micros = dollars * 1_000_000 + fraction
    }

    /// Dollars with at least two and at most six decimals: `20.00`, `0.000123`.
    public var description: String {
        let magnitude = micros.magnitude
        var decimals = String(magnitude % 1_000_000)
        decimals = String(repeating: "0", count: 6 - decimals.count) + decimals
        while decimals.count > 2, decimals.last == "0" { decimals.removeLast() }
        return (micros < 0 ? "-" : "") + "\(magnitude / 1_000_000).\(decimals)"
    }
}
