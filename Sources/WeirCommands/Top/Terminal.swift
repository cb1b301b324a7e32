import Foundation
import Glibc

/// A terminal that is drawn on in place: keys come one by one and unechoed, and afterwards all is as it was.
final class Terminal: Sendable {
    private let saved: termios

    /// Nil unless both stdin and stdout are one.
    init?() {
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1, Setting.environment["TERM"] ?? "" != "dumb" else {
            return nil
        }
        var mode = termios()
        guard tcgetattr(STDIN_FILENO, &mode) == 0 else { return nil }
        saved = mode
        mode.c_lflag &= ~tcflag_t(ICANON | ECHO)
        // Ctrl-Z would leave somebody else with this screen.
        withUnsafeMutableBytes(of: &mode.c_cc) { $0[Int(VSUSP)] = 0 }
        guard tcsetattr(STDIN_FILENO, TCSAFLUSH, &mode) == 0 else { return nil }
        // Another screen, without a cursor.
        Self.write("\u{1b}[?1049h\u{1b}[?25l")
    }

    func restore() {
        Self.write("\u{1b}[?25h\u{1b}[?1049l")
        var mode = saved
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &mode)
    }

    /// Draws over what was there, as far as the terminal is large.
    func draw(_ lines: [String]) {
        var size = winsize()
        let isKnown = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_row > 0 && size.ws_col > 0
        let (rows, columns) = isKnown ? (Int(size.ws_row), Int(size.ws_col)) : (24, 80)
        let shown = lines.prefix(rows).map { Self.cut($0, to: columns) + "\u{1b}[K" }
        Self.write("\u{1b}[H" + shown.joined(separator: "\r\n") + "\u{1b}[J")
    }

    /// Returns when q is pressed, when there is no more input, or when it is cancelled.
    func untilQuit() async {
        while true {
            var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            if poll(&input, 1, 0) > 0 {
                var bytes = [UInt8](repeating: 0, count: 64)
                let count = read(STDIN_FILENO, &bytes, bytes.count)
                if count <= 0 || bytes.prefix(count).contains(where: { "qQ".utf8.contains($0) }) { return }
            }
            // A hand on a keyboard does not notice; a thread that waits could not be cancelled.
            do { try await Task.sleep(for: .milliseconds(50)) } catch { return }
        }
    }

    /// So many characters of a line; what colours it takes no room.
    static func cut(_ line: String, to columns: Int) -> String {
        var (kept, width, isEscape) = ("", 0, false)
        for character in line {
            if character == "\u{1b}" { isEscape = true }
            if !isEscape {
                width += 1
                if width > columns { continue }
            }
            kept.append(character)
            if isEscape, character.isLetter { isEscape = false }
        }
        return kept
    }

    private static func write(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }
}
