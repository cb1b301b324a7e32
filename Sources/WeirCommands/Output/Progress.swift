import Foundation
import Glibc
import Synchronization

/// How far long work has come, in one line of stderr that is written over and leaves no trace. Only on a terminal:
/// elsewhere it says nothing.
final class Progress: Sendable {
    private struct State {
        var done = 0
        var total: Int?
    }

    private let what: String
    private let unit: String
    private let begin = ContinuousClock.now
    private let state: Mutex<State>
    private let write: (@Sendable (String) -> Void)?

    /// - Parameters:
    ///   - what: what is being done: `exporting`.
    ///   - unit: what is counted; empty: nothing is.
    ///   - total: how many there are, if that is known.
    ///   - write: where it goes; nil: nowhere.
    init(_ what: String, unit: String = "", total: Int? = nil, write: (@Sendable (String) -> Void)? = Progress.terminal)
    {
        (self.what, self.unit, self.write) = (what, unit, write)
        state = Mutex(State(total: total))
    }

    /// Stderr, if somebody looks at it there.
    static var terminal: (@Sendable (String) -> Void)? {
        guard isatty(STDERR_FILENO) == 1, !["", "dumb"].contains(Setting.environment["TERM"] ?? "") else { return nil }
        return { FileHandle.standardError.write(Data($0.utf8)) }
    }

    var isShown: Bool { write != nil }

    func expect(_ total: Int) { state.withLock { $0.total = total } }
    func advance(by count: Int) { state.withLock { $0.done += count } }
    func advance(to count: Int) { state.withLock { $0.done = count } }

    /// Shows it while `body` runs, and takes it away before this returns.
    func during<Result: Sendable>(_ body: () async throws -> Result) async rethrows -> Result {
        guard let write else { return try await body() }
        let shown = Task {
            while !Task.isCancelled {
                write("\r" + self.line(after: self.begin.duration(to: .now)) + "\u{1b}[K")
                do { try await Task.sleep(for: .milliseconds(100)) } catch { return }
            }
        }
        defer { write("\r\u{1b}[K") }
        do {
            let result = try await body()
            shown.cancel()
            await shown.value
            return result
        } catch {
            shown.cancel()
            await shown.value
            throw error
        }
    }

    private static let width = 24

    /// `exporting [██████░░░░░░]  50 %, 1,200 of 2,400 events, 3 s`
    func line(after time: Duration) -> String {
        let state = state.withLock { $0 }
        let seconds = "\(time.components.seconds.grouped) s"
        guard let total = state.total, total > 0 else {
            // Something that moves, since nobody knows how far it is.
            let at = Int(time / .milliseconds(100)) % (2 * Self.width - 2)
            let place = at < Self.width ? at : 2 * Self.width - 2 - at
            let bar = (0..<Self.width).map { abs($0 - place) < 2 ? "█" : "░" }.joined()
            let count = unit.isEmpty ? "" : "\(state.done.grouped) \(unit), "
            return "\(what) [\(bar)] \(count)\(seconds)"
        }
        // What was counted before may be a little less than what comes.
        let done = min(state.done, total)
        let filled = done.multipliedReportingOverflow(by: Self.width).partialValue / total
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: Self.width - filled)
        let percent = String(done.multipliedReportingOverflow(by: 100).partialValue / total)
        let padding = String(repeating: " ", count: max(0, 3 - percent.count))
        return "\(what) [\(bar)] \(padding)\(percent) %, \(done.grouped) of \(total.grouped) \(unit), \(seconds)"
    }
}

extension Int64 {
    fileprivate var grouped: String { Int(self).grouped }
}
