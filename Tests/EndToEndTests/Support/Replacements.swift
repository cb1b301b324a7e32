import Foundation
import Synchronization
import Testing
import WeirTestSupport

/// Kills processes of a stack and starts the same command lines again.
final class Replacements: Sendable {
    private let started = Mutex<[Program]>([])

    func end() async {
        let programs = started.withLock { $0 }
        for program in programs.reversed() {
            program.send(signal: SIGTERM)
            _ = await program.end()
        }
    }

    /// The command line and environment of a process, to be started again.
    struct Template: Sendable {
        var arguments: [String]
        let environment: [String: String]
        let program: String

        init(pid: Int32) throws {
            let words = try Self.words("/proc/\(pid)/cmdline")
            let first = try #require(words.first)
            program = first.hasPrefix("/proc/") ? Program.weir : first
            arguments = Array(words.dropFirst())
            environment = Dictionary(
                try Self.words("/proc/\(pid)/environ").compactMap { entry in
                    guard let equals = entry.firstIndex(of: "=") else { return nil }
                    return (String(entry[..<equals]), String(entry[entry.index(after: equals)...]))
                }, uniquingKeysWith: { $1 })
        }

        private static func words(_ path: String) throws -> [String] {
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            return data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        }

        /// Puts the addresses that were found for `127.0.0.1:0` in its place, so that it can be found where it was.
        mutating func fix(_ urls: String...) {
            var addresses = urls.compactMap { $0.split(separator: "/").last }
            arguments = arguments.map { argument in
                guard argument == "127.0.0.1:0", !addresses.isEmpty else { return argument }
                return String(addresses.removeFirst())
            }
        }
    }

    /// Starts it, and returns when it has printed `readyLine`; nil: at once.
    func start(_ template: Template, readyLine: String?) async throws -> Program {
        let number = started.withLock { $0.count }
        let program = try Program(
            template.program, template.arguments, environment: template.environment,
            logFile: NSTemporaryDirectory() + "weir-replacement-\(getpid())-\(number).log")
        started.withLock { $0.append(program) }
        guard let readyLine else { return program }
        try await eventually("ready", within: .seconds(30)) {
            guard program.isRunning else { throw Program.Problem(description: "has ended: \(program.log)") }
            return program.log.contains(readyLine)
        }
        return program
    }
}
