import AsyncHTTPClient
import Foundation
import NIOCore

/// A whole Weir on this machine: redis-server, simulator, aggregator and gateways, each a process of its own on a free
/// loopback port, with what they write in one private directory.
struct DevStack: Sendable {
    struct Options: Sendable {
        /// Nil: a temporary directory, removed at the end.
        var directory: String?
        var policyFile: String
        var gateways = 2
        /// Event loops of each process; 0: one per core.
        var threads = 0
        /// Each gateway keeps one below the directory.
        var hasOutbox = true
    }

    let directory: String
    let children: [ChildProcess]
    let ready: DevReady
    private let isTemporary: Bool

    /// Starts everything and returns when calls can be made. If something does not start, nothing is left behind.
    static func start(_ options: Options) async throws -> DevStack {
        let directory = try options.directory.map(prepared) ?? PrivateRedis.privateDirectory()
        var starter = Starter(directory: directory, options: options)
        do {
            return try await starter.start(isTemporary: options.directory == nil)
        } catch {
            for child in starter.children.reversed() { await child.end(patience: .seconds(2)) }
            // A temporary directory stays: its logs tell what went wrong.
            throw error
        }
    }

    private static func prepared(_ path: String) throws -> String {
        let url = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(
            at: url, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        return url.path
    }

    /// Ends everything: clients' side first, so that what was spent is written.
    func stop() async {
        for child in children.reversed() { await child.end(patience: .seconds(40)) }
        if isTemporary { try? FileManager.default.removeItem(atPath: directory) }
    }

    /// The first child that has ended though nobody asked it to, if any.
    var lost: ChildProcess? { children.first { !$0.isRunning } }

    private struct Starter {
        let directory: String
        let options: Options
        var children: [ChildProcess] = []

        mutating func start(isTemporary: Bool) async throws -> DevStack {
            let redis = try await PrivateRedis.start(directory: directory, persistent: true, hasUsers: true)
            children.append(redis.child)
            let threads = ["--threads", String(options.threads)]
            let simulator = try await weir(
                "simulator", ["simulator", "--listen", "127.0.0.1:0"] + threads, ready: "weir simulator ready: ")[0]
            let token = try adminToken()
            let ledger = directory + "/weir.db"
            let aggregator = try await weir(
                "aggregator",
                [
                    "aggregator", "--listen", "127.0.0.1:0", "--redis", redis.url(as: .aggregator), "--ledger",
                    "sqlite:" + ledger,
                    "--policy", options.policyFile, "--name", "dev",
                ], environment: ["WEIR_ADMIN_TOKEN": token], ready: "weir aggregator ready: ")[0]
            var gateways: [String] = []
            var operations: [String] = []
            for number in 1...options.gateways {
                let words = try await weir(
                    "gateway-\(number)",
                    [
                        "gateway", "--listen", "127.0.0.1:0", "--ops", "127.0.0.1:0",
                        "--redis", redis.url(as: .gateway),
                        "--anthropic-url", simulator, "--openai-url", simulator, "--gemini-url", simulator,
                    ] + threads + (options.hasOutbox ? ["--outbox", "\(directory)/outbox-\(number)"] : []),
                    environment: [
                        "WEIR_ANTHROPIC_KEY": "simulated-anthropic-key", "WEIR_OPENAI_KEY": "simulated-openai-key",
                        "WEIR_GEMINI_KEY": "simulated-gemini-key",
                    ], ready: "weir gateway ready: ")
                guard words.count == 3 else { throw DevError(description: "gateway \(number) said \(words)") }
                gateways.append(words[0])
                operations.append(words[2])
            }
            let keys = try await DevKeys(directory: directory, adminURL: aggregator, token: token).make()
            let ready = DevReady(
                redis: redis.url, gateways: gateways, ops: operations, aggregator: aggregator, simulator: simulator,
                ledger: ledger, pids: Dictionary(uniqueKeysWithValues: children.map { ($0.name, $0.pid) }),
                adminToken: token, keys: keys)
            return DevStack(directory: directory, children: children, ready: ready, isTemporary: isTemporary)
        }

        /// Starts this very program with other arguments. Returns the words after `ready` in its first line.
        private mutating func weir(
            _ name: String, _ arguments: [String], environment: [String: String] = [:], ready: String
        ) async throws -> [String] {
            let logFile = "\(directory)/\(name).log"
            let child = try ChildProcess.start(
                name, program: "/proc/self/exe", arguments: arguments, environment: environment, logFile: logFile)
            children.append(child)
            let deadline = ContinuousClock.now + .seconds(60)
            while ContinuousClock.now < deadline {
                let log = String(decoding: FileManager.default.contents(atPath: logFile) ?? Data(), as: UTF8.self)
                let line = log.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                    .first { $0.hasPrefix(ready) }
                if let line { return line.dropFirst(ready.count).split(separator: " ").map(String.init) }
                guard child.isRunning else { throw DevError(description: "\(name) has ended:\n\(log.suffix(2000))") }
                try await Task.sleep(for: .milliseconds(5))
            }
            throw DevError(description: "\(name) is not ready after 60 s; see \(logFile)")
        }

        /// The same token for the same directory.
        private func adminToken() throws -> String {
            let path = directory + "/admin-token"
            if let data = FileManager.default.contents(atPath: path), data.count >= 16 {
                return String(decoding: data, as: UTF8.self)
            }
            let token = (0..<4).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined()
            guard
                FileManager.default.createFile(
                    atPath: path, contents: Data(token.utf8), attributes: [.posixPermissions: 0o600])
            else { throw DevError(description: "cannot write \(path)") }
            return token
        }
    }
}
