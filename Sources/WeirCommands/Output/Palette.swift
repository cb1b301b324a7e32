import ArgumentParser
import Glibc

/// What a word means to who reads it, where a terminal can show that by a colour.
enum Tone: Equatable, Sendable {
    case good, warning, bad, faint
}

/// Writes with colours, or leaves them out.
struct Palette: Equatable, Sendable {
    let hasColor: Bool

    static let plain = Palette(hasColor: false)

    /// Of the terminal's own sixteen colours, so that they fit its theme.
    func text(_ text: String, _ tone: Tone?) -> String {
        guard hasColor, let tone, !text.isEmpty else { return text }
        let code =
            switch tone {
            case .good: "32"
            case .warning: "33"
            case .bad: "1;31"
            case .faint: "2"
            }
        return "\u{1b}[\(code)m\(text)\u{1b}[0m"
    }

    func title(_ text: String) -> String { hasColor ? "\u{1b}[1m\(text)\u{1b}[0m" : text }
}

/// `--color`.
enum ColorChoice: String, ExpressibleByArgument, CaseIterable {
    case auto, always, never

    /// With `auto`, colours are for a terminal that has them, and for nobody who has set NO_COLOR (no-color.org).
    func palette(isTerminal: Bool, environment: [String: String]) -> Palette {
        switch self {
        case .always: Palette(hasColor: true)
        case .never: .plain
        case .auto:
            Palette(
                hasColor: isTerminal && (environment["NO_COLOR"] ?? "").isEmpty
                    && !["", "dumb"].contains(environment["TERM"] ?? ""))
        }
    }

    /// For what is printed to stdout.
    var palette: Palette { palette(isTerminal: isatty(STDOUT_FILENO) == 1, environment: Setting.environment) }
}
