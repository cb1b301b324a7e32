extension PolicyValue {
    /// One of the cases of `Choice`.
    func choice<Choice: RawRepresentable & CaseIterable>(_: Choice.Type) -> Choice? where Choice.RawValue == String {
        choice(among: Choice.allCases.map(\.rawValue)).flatMap(Choice.init(rawValue:))
    }

    private func choice(among names: [String]) -> String? {
        guard let text = text(expecting: "use one of \(names.joined(separator: ", "))") else { return nil }
        guard names.contains(text) else {
            let near = nearestNames(to: text, among: names)
            let hint = near.isEmpty ? "" : "did you mean \(near.joined(separator: " or "))? "
            report("\(quoted(text)) is not known here", "\(hint)use one of \(names.joined(separator: ", "))")
            return nil
        }
        return text
    }

    /// `true` or `false`.
    func flag() -> Bool? { choice(among: ["true", "false"]).map { $0 == "true" } }

    /// A whole number from 0 to ``Int/largestExact``. Underscores may group digits: `200_000`.
    func wholeNumber() -> Int? {
        let remedy = "use a whole number such as 200000, at most \(Int.largestExact)"
        guard let text = text(expecting: remedy) else { return nil }
        guard let number = Self.wholeNumber(text), number <= Int.largestExact else {
            report("\(quoted(text)) is not a whole number in range", remedy)
            return nil
        }
        return number
    }

    private static func wholeNumber(_ text: String) -> Int? {
        let digits = text.utf8.filter { $0 != UInt8(ascii: "_") }
        guard text.utf8.first != UInt8(ascii: "_"), !digits.isEmpty, digits.count <= 19,
            digits.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return Int(String(decoding: digits, as: UTF8.self))
    }

    /// Dollars, read from the text digit by digit: money never passes through floating point.
    func money() -> MicroUSD? {
        let remedy = "use dollars such as 20.00, with at most six decimals"
        guard let text = text(expecting: remedy) else { return nil }
        guard let money = MicroUSD(text), money.micros <= Int.largestExact else {
            report("\(quoted(text)) is not an amount of dollars", remedy)
            return nil
        }
        return money
    }

    /// A share above 0 and up to 1, in ten-thousandths.
    func share() -> Int? {
        let remedy = "use a share above 0 and up to 1, with at most four decimals, such as 0.8"
        guard let text = text(expecting: remedy) else { return nil }
        // The digits of a share are read like those of money: 0.8 is 800,000 millionths.
        guard let millionths = MicroUSD(text)?.micros, millionths % 100 == 0, (1...10_000).contains(millionths / 100)
        else {
            report("\(quoted(text)) is not a share", remedy)
            return nil
        }
        return millionths / 100
    }

    /// A span such as `500ms`, `60s`, `5m`, `1h` or `1d`, in milliseconds.
    func durationMs() -> Int? {
        let remedy = "use a whole number with a unit: 500ms, 60s, 5m, 1h or 1d"
        guard let text = text(expecting: remedy) else { return nil }
        let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)]
        guard let (unit, unitMs) = units.first(where: { text.hasSuffix($0.0) }),
            let count = Self.wholeNumber(String(text.dropLast(unit.count))), count <= Int.largestExact / unitMs
        else {
            report("\(quoted(text)) is not a duration", remedy)
            return nil
        }
        return count * unitMs
    }

    /// Any text that is not empty, of at most 256 characters without control characters or surrounding space.
    func word(_ what: String) -> String? {
        let remedy = "\(what) is 1 to 256 characters without spaces"
        guard let text = text(expecting: remedy) else { return nil }
        guard (1...256).contains(text.utf8.count), text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else {
            report("\(quoted(text)) cannot be \(what)", remedy)
            return nil
        }
        return text
    }

    /// A list of different words.
    func words(_ what: String) -> [String]? {
        guard let elements = elements() else { return nil }
        if elements.isEmpty {
            report("is an empty list", "name at least one, or leave the field out")
            return nil
        }
        var words: [String] = []
        for element in elements {
            guard let word = element.word(what) else { continue }
            if words.contains(word) {
                element.report("\(word) is named twice", "name it once")
            } else {
                words.append(word)
            }
        }
        return words
    }
}

extension PolicyValue.Entry {
    /// The name, if it may be part of keys, paths and flags: reported otherwise.
    func identifier(_ what: String) -> String? {
        guard isPolicyIdentifier(name) else {
            value.reading.report(
                place, value.path, "\(quoted(name)) cannot be the name of \(what)", policyIdentifierRemedy)
            return nil
        }
        return name
    }
}

extension PolicyValue {
    /// A text that may be part of keys, paths and flags.
    func identifier(_ what: String) -> String? {
        guard let text = text(expecting: policyIdentifierRemedy) else { return nil }
        guard isPolicyIdentifier(text) else {
            report("\(quoted(text)) cannot be \(what)", policyIdentifierRemedy)
            return nil
        }
        return text
    }
}

let policyIdentifierRemedy = "use 1 to 64 of a-z, 0-9, _ and -"

/// 1 to 64 bytes of `[a-z0-9_-]`: limits, products, classes and resources.
func isPolicyIdentifier(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
        && text.utf8.allSatisfy { byte in
            (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "_")
                || byte == UInt8(ascii: "-")
        }
}
