/// Faults as words: `weir chaos` takes the same ones as flags and, while it runs, as lines.
extension ChaosFaults {
    /// What is wrong with a word, and what would be right.
    package struct Problem: Error, Sendable, Equatable, CustomStringConvertible {
        package let description: String
        package init(description: String) { self.description = description }
    }

    package enum Field: String, Sendable, CaseIterable {
        case delay, jitter, bandwidth
        case blackHole = "black-hole"
        case oneByte = "one-byte"
        case cutAfter = "cut-after"
        case ending, refuse, way
    }

    /// Sets one field from its text, strictly: a test under another fault than was meant proves nothing.
    package mutating func set(_ field: Field, to text: String) throws(Problem) {
        switch field {
        case .delay: delay = try Self.duration(field, text)
        case .jitter: jitter = try Self.duration(field, text)
        case .bandwidth: bytesPerSecond = text == "off" ? nil : try Self.bytes(text)
        case .blackHole: isBlackHole = try Self.isOn(field, text)
        case .oneByte: writesSingleBytes = try Self.isOn(field, text)
        case .cutAfter: cutAfter = text == "off" ? nil : try Self.range(text)
        case .ending: ending = try Self.choice(field, text)
        case .refuse:
            guard let percent = Self.digits(text), percent <= 100 else {
                throw Problem(description: "refuse \(text): write how many of a hundred connections, from 0 to 100")
            }
            refusedPercent = percent
        case .way: way = try Self.choice(field, text)
        }
    }

    /// `50ms`, `2s` or `1m`; at most an hour.
    package static func duration(of text: String) -> Duration? {
        let units: [(suffix: String, ms: Int)] = [("ms", 1), ("s", 1000), ("m", 60_000)]
        guard let unit = units.first(where: { text.hasSuffix($0.suffix) }),
            let count = digits(text.dropLast(unit.suffix.count)), count * unit.ms <= 3_600_000
        else { return nil }
        return .milliseconds(count * unit.ms)
    }

    private static func duration(_ field: Field, _ text: String) throws(Problem) -> Duration {
        guard let duration = duration(of: text) else {
            throw Problem(description: "\(field.rawValue) \(text): write a time such as 50ms, 2s or 1m, at most 60m")
        }
        return duration
    }

    private static func bytes(_ text: String) throws(Problem) -> Int {
        let factor = text.hasSuffix("k") ? 1_000 : text.hasSuffix("M") ? 1_000_000 : 1
        guard let count = digits(factor == 1 ? text[...] : text.dropLast()), count > 0 else {
            throw Problem(description: "bandwidth \(text): write bytes a second, such as 500, 64k or 2M, or off")
        }
        return count * factor
    }

    private static func range(_ text: String) throws(Problem) -> ClosedRange<Int> {
        let ends = text.split(separator: "..", omittingEmptySubsequences: false).map { digits($0) }
        guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last else {
            throw Problem(description: "cut-after \(text): write bytes, such as 512 or 100..2000, or off")
        }
        return first...last
    }

    private static func isOn(_ field: Field, _ text: String) throws(Problem) -> Bool {
        switch text {
        case "on": return true
        case "off": return false
        default: throw Problem(description: "\(field.rawValue) \(text): write on or off")
        }
    }

    private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ field: Field, _ text: String
    ) throws(Problem) -> Choice {
        guard let choice = Choice(rawValue: text) else {
            let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem(description: "\(field.rawValue) \(text): write one of \(known)")
        }
        return choice
    }

    /// Digits alone, and no more of them than can be multiplied by any unit here.
    private static func digits(_ text: some StringProtocol) -> Int? {
        guard text.utf8.count <= 9, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }
}

extension ChaosFaults: CustomStringConvertible {
    /// As ``set(_:to:)`` reads it, one field after the other; `none` without a fault.
    package var description: String {
        func text(_ duration: Duration) -> String { "\(Int(duration / .milliseconds(1)))ms" }
        var words: [String] = []
        if delay > .zero { words.append("delay \(text(delay))") }
        if jitter > .zero { words.append("jitter \(text(jitter))") }
        if let bytesPerSecond { words.append("bandwidth \(bytesPerSecond)") }
        if isBlackHole { words.append("black-hole on") }
        if writesSingleBytes { words.append("one-byte on") }
        if let cutAfter {
            words.append("cut-after \(cutAfter.lowerBound)..\(cutAfter.upperBound), ending \(ending.rawValue)")
        }
        if refusedPercent > 0 { words.append("refuse \(refusedPercent)") }
        if words.isEmpty { return "none" }
        if way != .both { words.append("way \(way.rawValue)") }
        return words.joined(separator: ", ")
    }
}
