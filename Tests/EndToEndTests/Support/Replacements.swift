import Foundation
import Synchronization
import Testing
import WeirTestSupport

/// Kills processes of a stack and starts the same command lines again.
final class Replacements: Sendable {
    /// Where their logs go.
    private let directory: String
    private let started = Mutex<[(name: String, program: Program)]>([])

    init(directory: String) { self.directory = directory }

    /// The newest of this name; nil: none was replaced.
    func program(_ name: String) -> Program? { started.withLock { $0.last { $0.name == name }?.program } }
    func pid(_ name: String) -> Int32? { program(name)?.pid }

    /// Ends them, those that others depend on last.
    func end() async {
        let programs = started.withLock { $0 }
        let order = ["gateway-1", "gateway-2", "aggregator", "redis"]
        for program in order.flatMap({ name in programs.filter { $0.name == name }.map(\.program) }) {
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

        /// A redis-server does not show its command line: it puts a title of its own there.
        init(redis url: String, directory: String) throws {
            program = "redis-server"
            environment = Program.inherited([:])
            let port = try #require(url.split(separator: ":").last.map(String.init))
            arguments = [
                "--port", port, "--bind", "127.0.0.1", "--dir", directory, "--save", "", "--appendonly", "yes",
                "--maxmemory-policy", "noeviction",
            ]
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

    /// Starts it, and returns when it has printed `readyLine`.
    @discardableResult
    func start(_ name: String, _ template: Template, readyLine: String) async throws -> Program {
        let number = started.withLock { $0.count }
        let program = try Program(
            template.program, template.arguments, environment: template.environment,
            logFile: directory + "/replacement-\(number)-\(name).log")
        started.withLock { $0.append((name, program)) }
        try await eventually("\(name) ready", within: .seconds(30)) {
            guard program.isRunning else { throw Program.Problem(description: "has ended: \(program.log)") }
            return program.log.contains(readyLine)
        }
        return program
    }
}
