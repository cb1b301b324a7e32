import WeirCore

/// Values of a request that decide what it may cost: `null` counts as absent, another type than the API's is refused.
extension JSONScanner {
    /// True, false, or nil for `null`.
    mutating func flag(_ name: String) throws(JSONError) -> Bool? {
        switch try kind() {
        case .bool: return try bool()
        case .null:
            try skip()
            return nil
        default: throw wrongType(name, "true or false")
        }
    }

    /// An integer, or nil for `null`.
    mutating func count(_ name: String, in range: ClosedRange<Int>) throws(JSONError) -> Int? {
        let kind = try kind()
        let start = offset
        if kind == .null {
            try skip()
            return nil
        }
        guard kind == .number else { throw wrongType(name, "an integer") }
        let value: Int
        do throws(JSONError) {
            value = try int()
        } catch {
            throw JSONError(
                .badValue(name: name, why: "must be an integer from 0 to 2^53 - 1, written plainly"), at: start)
        }
        guard range.contains(value) else {
            throw JSONError(.outOfRange(name: name, from: range.lowerBound, through: range.upperBound), at: start)
        }
        return value
    }

    func wrongType(_ name: String, _ wanted: String) -> JSONError {
        JSONError(.badValue(name: name, why: "must be \(wanted)"), at: offset)
    }
}
