import Foundation
import WeirTestSupport

/// A `weir dev` that runs.
final class DevProcess: Sendable {
    /// The content of the ready file: exactly these fields.
    struct Ready: Decodable, Sendable {
        let redis: String
        let gateways: [String]
        let ops: [String]
        let aggregator: String
        let simulator: String
        let ledger: String
        let pids: [String: Int32]
        let admin_token: String
        let keys: [String: String]
    }

    let directory: String
    let ready: Ready
    private let program: Program
    private let watchdog: Watchdog

    var pid: Int32 { program.pid }
    var log: String { program.log }
    var readyFile: String { directory + "/ready.json" }

    /// Returns when its ready file is there.
    /// - Parameter directory: where it keeps everything, the policy included.
    static func start(
        policy: String, directory: String, arguments: [String] = [], environment: [String: String] = [:]
    ) async throws -> DevProcess {
        let program = try launch(
            policy: policy, directory: directory, arguments: arguments, environment: environment)
        let watchdog = try Watchdog(over: program.pid, directory: directory)
        var data: Data?
        let deadline = ContinuousClock.now + .seconds(60)
        while data == nil {
            data = FileManager.default.contents(atPath: directory + "/ready.json")
            guard program.isRunning, ContinuousClock.now < deadline else {
                program.send(signal: SIGTERM)
                _ = await program.end()
                watchdog.dismiss()
                throw Program.Problem(description: "weir dev does not start: \(program.log)")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        let ready = try JSONDecoder().decode(Ready.self, from: data ?? Data())
        return DevProcess(directory: directory, ready: ready, program: program, watchdog: watchdog)
    }

    /// Starts it and waits for nothing.
    static func launch(
        policy: String, directory: String, arguments: [String] = [], environment: [String: String] = [:]
    ) throws -> Program {
        let policyFile = directory + "/policy.yaml"
        try policy.write(toFile: policyFile, atomically: true, encoding: .utf8)
        try? FileManager.default.removeItem(atPath: directory + "/ready.json")
        return try Program(
            Program.weir,
            ["dev", "--dir", directory, "--ready-file", directory + "/ready.json", "--policy", policyFile] + arguments,
            environment: Program.inherited(environment), logFile: directory + "/dev.log")
    }

    private init(directory: String, ready: Ready, program: Program, watchdog: Watchdog) {
        (self.directory, self.ready, self.program, self.watchdog) = (directory, ready, program, watchdog)
    }

    /// Ends it as Ctrl-C does. It must end well and leave no process behind.
    func end() async throws {
        program.send(signal: SIGTERM)
        try await ended()
    }

    /// `kill -9`: it can do nothing more.
    func kill() async {
        program.send(signal: SIGKILL)
        _ = await program.end()
        watchdog.dismiss()
    }

    /// Waits for an end by itself, which must be a good one.
    func ended() async throws {
        let status = await program.end()
        watchdog.dismiss()
        guard status == 0 else { throw Program.Problem(description: "weir dev ended with \(status): \(log)") }
        let left = ready.pids.filter { !isGone($0.value) }
        guard left.isEmpty else { throw Program.Problem(description: "weir dev left \(left) behind") }
    }
}
