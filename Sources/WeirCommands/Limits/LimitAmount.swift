import WeirCore

/// Amounts of limits as people write and read them.
enum LimitAmount {
    /// Why a text is no amount of a limit.
    struct Problem: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    /// How each unit is written after a number. A limit of calls at once counts calls.
    private static let suffixes = [
        ("usd", "usd"), ("tokens", "tokens"), ("requests", "requests"), ("calls", "concurrency"),
    ]

    /// The amount in the integers of `unit` (micro-dollars for `usd`); 0: unlimited.
    static func units(of text: String, unit: String, limit: String) throws(Problem) -> Int {
        if text == "unlimited" { return 0 }
        var number = text[...]
        for (suffix, meant) in suffixes where text.hasSuffix(suffix) {
            guard meant == unit else {
                throw Problem(
                    description: "the limit \(limit) counts \(name(unit)), not \(suffix); write \(example(unit))")
            }
            number = text.dropLast(suffix.count)
        }
        let units = unit == "usd" ? MicroUSD(String(number))?.micros : whole(number)
        guard let units, units <= .largestExact else {
            throw Problem(
                description:
                    "\(text) is not an amount of \(limit), which counts \(name(unit)); write \(example(unit)), or unlimited"
            )
        }
        return units
    }

    /// `75.00 usd`, `200,000 tokens`, `unlimited`. Nil unit: of a limit that is no more.
    static func text(_ amount: Int, unit: String?) -> String {
        if amount == 0 { return "unlimited" }
        guard let unit else { return amount.grouped }
        return (unit == "usd" ? MicroUSD(micros: amount).description : amount.grouped) + " " + name(unit)
    }

    /// ` in 60 s`, ` a month`, ` at once`.
    static func span(windowMs: Int?, period: String?) -> String {
        if let windowMs { return windowMs % 1000 == 0 ? " in \(windowMs / 1000) s" : " in \(windowMs) ms" }
        return period.map { " a \($0)" } ?? " at once"
    }

    private static func name(_ unit: String) -> String { unit == "concurrency" ? "calls" : unit }

    private static func example(_ unit: String) -> String {
        switch unit {
        case "usd": "75usd or 75.50usd"
        case "tokens": "200000tokens"
        case "concurrency": "8calls"
        default: "10requests"
        }
    }

    private static func whole(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.count <= 16, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }
}
