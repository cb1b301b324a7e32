import ArgumentParser
import Foundation
import WeirCore

/// A span such as `90s`, `15m`, `2h` or `30d`.
struct Span: ExpressibleByArgument, Equatable {
    let seconds: Int

    init(seconds: Int) { self.seconds = seconds }

    init?(argument: String) {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = argument.last.flatMap({ units[$0] }), argument.utf8.count <= 10,
            argument.dropLast().allSatisfy({ $0.isASCII && $0.isNumber }), let count = Int(argument.dropLast()),
            count > 0
        else { return nil }
        seconds = count * unit
    }

    var defaultValueDescription: String { "\(seconds)s" }
}

/// A moment: `2026-11-22` (its first second, UTC), `2026-11-22T08:30:00Z`, or unix seconds.
struct Moment: ExpressibleByArgument, Equatable {
    let unixSeconds: Int

    init?(argument: String) {
        if argument.utf8.count <= 12, let seconds = Int(argument), seconds > 0 {
            unixSeconds = seconds
        } else if let date = try? Date(argument.contains("T") ? argument : argument + "T00:00:00Z", strategy: .iso8601),
            (0..<253_402_300_800).contains(date.timeIntervalSince1970)
        {
            unixSeconds = Int(date.timeIntervalSince1970)
        } else {
            return nil
        }
    }
}

/// When something ends: a ``Span`` from now on, or a ``Moment``.
struct Expiry: ExpressibleByArgument, Equatable {
    let unixSeconds: Int

    init?(argument: String) {
        if let span = Span(argument: argument) {
            unixSeconds = Int(Date().timeIntervalSince1970) + span.seconds
        } else if let moment = Moment(argument: argument) {
            unixSeconds = moment.unixSeconds
        } else {
            return nil
        }
    }
}

/// Until when: after a span, or at a moment.
struct UntilOptions: ParsableArguments {
    @Option(name: .customLong("for"), help: "For how long: 90s, 15m, 2h or 30d.")
    var span: Span?

    @Option(help: "Until when: 2026-11-22, 2026-11-22T08:30:00Z, or unix seconds.")
    var until: Moment?

    func validate() throws {
        if span != nil, until != nil { throw ValidationError("Give --for or --until, not both.") }
    }

    /// Unix seconds; nil if neither is given.
    var unixSeconds: Int? {
        span.map { Int(Date().timeIntervalSince1970) + $0.seconds } ?? until?.unixSeconds
    }
}

/// `2026-11-21 10:05:00Z`.
func timeText(ms: Int) -> String {
    let day = UTCDay(containingMs: ms)
    let seconds = (ms / 1000 % 86_400 + 86_400) % 86_400
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }
    return "\(day.id) \(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))Z"
}

func timeText(unixSeconds: Int) -> String { timeText(ms: unixSeconds.multipliedSaturated(by: 1000)) }
