import WeirCore
import WeirProviders

/// How numbers and times are written for people. Integers only.
enum Format {
    /// `$1,234.56`; a smaller sum than a cent, which would look like nothing, with all its decimals: `$0.000123`.
    static func money(_ micros: Int) -> String {
        let magnitude = Int(clamping: micros.magnitude)
        let sign = micros < 0 ? "−" : ""
        if magnitude > 0, magnitude < 10_000 { return sign + "$" + MicroUSD(micros: magnitude).description }
        let cents = magnitude.addingSaturated(5_000) / 10_000
        return sign + "$" + count(cents / 100) + "." + twoDigits(cents % 100)
    }

    /// All decimals: `$12.345678`.
    static func exactMoney(_ micros: Int) -> String {
        let text = MicroUSD(micros: micros).description
        return micros < 0 ? "−$" + text.dropFirst() : "$" + text
    }

    /// `1,234,567`.
    static func count(_ number: Int) -> String {
        let digits = String(number.magnitude)
        var grouped = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { grouped.append(",") }
            grouped.append(digit)
        }
        return (number < 0 ? "−" : "") + grouped
    }

    /// An amount in the integers of a limit's unit: `$3.00`, `200,000 tokens`, `20 calls`, `8 at once`.
    static func amount(_ amount: Int, _ unit: Limit.Unit) -> String {
        switch unit {
        case .usd: money(amount)
        case .tokens: count(amount) + " tokens"
        case .requests: count(amount) + (amount == 1 ? " call" : " calls")
        case .concurrency: count(amount) + " at once"
        }
    }

    /// Only the number: `$3.00`, `200,000`.
    static func number(_ amount: Int, _ unit: Limit.Unit) -> String { unit == .usd ? money(amount) : count(amount) }

    /// `2026-11-21 10:48:00`, in UTC, as every page says.
    static func time(_ ms: Int) -> String {
        let text = rfc3339(ms: ms - ms % 1000)
        return text.prefix(10) + " " + text.dropFirst(11).prefix(8)
    }

    /// `10:48`.
    static func minute(_ ms: Int) -> String { String(rfc3339(ms: ms - ms % 1000).dropFirst(11).prefix(5)) }

    /// How long: `8 s`, `5 min`, `3 h`, `12 days`.
    static func span(seconds: Int) -> String {
        switch seconds {
        case ..<120: "\(max(0, seconds)) s"
        case ..<7200: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3600) h"
        default: "\(count(seconds / 86_400)) days"
        }
    }

    /// A share in whole percent, rounded down, so never 100 before the whole is reached; nil of nothing.
    static func percent(_ part: Int, of whole: Int) -> Int? {
        guard whole > 0 else { return nil }
        // A larger part than a client's numbers can ever be is as good as this.
        return min(max(0, part), 1 << 56) * 100 / whole
    }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
