import Foundation
import Synchronization

/// One row of the table that `make faults` prints: a fault, what must hold all the same, the bound, and what was measured.
///
/// A test that injects a fault is named after it (`F-R4: …`) and reports once per run, after its expectations.
package struct FaultReport: Codable, Sendable {
    /// As in `docs/faults.md`, for example `F-R4`.
    package var fault: String
    /// What must hold, in words.
    package var invariant: String
    /// The most that is promised, with its unit.
    package var bound: String
    /// What this run saw, with its unit.
    package var measured: String

    package init(_ fault: String, invariant: String, bound: String, measured: String) {
        self.fault = fault
        self.invariant = invariant
        self.bound = bound
        self.measured = measured
    }

    /// Where rows are collected, one JSON object a line; unset: they go nowhere, the test has already judged.
    package static let pathVariable = "WEIR_FAULTS_REPORT"
    private static let lock = Mutex(())

    package func report() throws {
        guard let path = ProcessInfo.processInfo.environment[Self.pathVariable] else { return }
        let line = try JSONEncoder().encode(self) + Data("\n".utf8)
        try Self.lock.withLock { _ in
            let url = URL(fileURLWithPath: path)
            if !FileManager.default.fileExists(atPath: path) { try Data().write(to: url) }
            let file = try FileHandle(forWritingTo: url)
            defer { file.closeFile() }
            file.seekToEndOfFile()
            try file.write(contentsOf: line)
        }
    }
}
