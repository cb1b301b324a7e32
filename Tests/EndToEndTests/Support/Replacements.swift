import Foundation
import Synchronization
import Testing
import WeirTestSupport

/// Kills processes of a stack and starts the same command lines again.
final class Replacements: Sendable {
    /// Where their logs go.
    private let directory: String
    private let started = Mutex<[(name: String, program: Program, urls: [String])]>([])
    private let count = Atomic<Int>(0)

    init(directory: String) { self.directory = directory }

    /// The newest of this name; nil: none was replaced.
    func program(_ name: String) -> Program? { started.withLock { $0.last { $0.name == name }?.program } }
    /// Where it listens, as its first line says.
    func urls(_ name: String) -> [String]? { started.withLock { $0.last { $0.name == name }?.urls } }
    func pid(_ name: String) -> Int32? { program(name)?.pid }

    /// Ends gateways and aggregators, those that others depend on last.
    func endNodes() async { await end(["gateway-1", "gateway-2", "aggregator-2", "aggregator"]) }

    /// Last of all: a gateway that ends tells Redis what it has settled, and waits for it.
    func endRedis() async { await end(["redis"]) }

    private func end(_ names: [String]) async {
        let programs = started.withLock { $0 }
        for program in names.flatMap({ name in programs.filter { $0.name == name }.map(\.program) }) {
            program.send(signal: SIGTERM)
            _ = await program.end()
        }
    }

    /// The command line and environment of a process, to be started again.
    struct Template: Sendable {
        var arguments: [String]
        var environment: [String: String]
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
        /// - Parameter appendOnly: it keeps a file, and begins with what is in it; else it begins empty.
        init(redis url: String, directory: String, appendOnly: Bool = true) throws {
            program = "redis-server"
            environment = Program.inherited([:])
            let port = try #require(url.split(separator: ":").last.map(String.init))
            arguments = [
                "--port", port, "--bind", "127.0.0.1", "--dir", directory, "--save", "", "--appendonly",
                appendOnly ? "yes" : "no", "--maxmemory-policy", "noeviction", "--aclfile", directory + "/users.acl",
            ]
        }

        private static func words(_ path: String) throws -> [String] {
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            return data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// Starts it, and returns when it has printed a line with `readyMark`.
    func start(_ name: String, _ template: Template, readyMark: String) async throws {
        let (number, _) = count.wrappingAdd(1, ordering: .relaxed)
        let log = directory + "/replacement-\(number)-\(name).log"
        func launch() throws -> Program {
            try Program(template.program, template.arguments, environment: template.environment, logFile: log)
        }
        var program = try launch()
        var line: Substring?
        do {
            try await eventually("\(name) ready", within: .seconds(30)) {
                // Somebody's connection may have got the port that was free for a moment.
                if !program.isRunning { program = try launch() }
                line = program.log.split(separator: "\n").first { $0.contains(readyMark) }
                return line != nil
            }
        } catch {
            program.send(signal: SIGTERM)
            _ = await program.end()
            throw Program.Problem(description: "\(error): \(program.log)")
        }
        let urls = (line ?? "").split(separator: " ").filter { $0.hasPrefix("http://") }.map(String.init)
        started.withLock { [program] in
            // Hundreds are killed in one test, and each that is kept keeps files open.
            $0.removeAll { $0.name == name && !$0.program.isRunning }
            $0.append((name, program, urls))
        }
    }
}
