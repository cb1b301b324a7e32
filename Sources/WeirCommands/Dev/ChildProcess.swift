import Foundation

/// A process of ours, with what it prints in a file. Ended with us, whatever happens: see ``Watchdog``.
final class ChildProcess: Sendable {
    let name: String
    let pid: Int32
    private let process: Process

    private init(name: String, process: Process) {
        self.name = name
        self.process = process
        pid = process.processIdentifier
    }

    /// Starts `program`. Its output goes to `logFile`, so that nothing it prints can hold it up.
    static func start(
        _ name: String, program: String, arguments: [String], environment: [String: String] = [:], logFile: String
    ) throws -> ChildProcess {
        guard FileManager.default.createFile(atPath: logFile, contents: nil, attributes: [.posixPermissions: 0o600]),
            let log = FileHandle(forWritingAtPath: logFile)
        else { throw DevError(description: "cannot write \(logFile)") }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = log
        process.standardError = log
        do { try withSignalsUnblocked { try process.run() } } catch {
            throw DevError(description: "cannot start \(program) (\(name)): \(error.localizedDescription)")
        }
        return ChildProcess(name: name, process: process)
    }

    var isRunning: Bool { process.isRunning }

    func send(signal: Int32) { if process.isRunning { kill(pid, signal) } }

    /// Returns when it has ended: by itself within `patience`, else by SIGKILL.
    func end(patience: Duration) async {
        send(signal: SIGTERM)
        let deadline = ContinuousClock.now + patience
        while process.isRunning {
            if ContinuousClock.now > deadline { send(signal: SIGKILL) }
            // Also when cancelled: nothing may stay behind.
            usleep(5_000)
        }
    }
}

/// Ends children if this process dies without ending them (kill -9): a shell that looks every second.
enum Watchdog {
    static func start(over children: [ChildProcess]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        let pids = children.map { String($0.pid) }.joined(separator: " ")
        process.arguments = [
            "-c",
            "while kill -0 \(ProcessInfo.processInfo.processIdentifier) 2>/dev/null; do sleep 1; done; kill \(pids) 2>/dev/null",
        ]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try withSignalsUnblocked { try process.run() }
    }
}

/// Swift's tasks run on threads that have nearly all signals blocked. A child inherits that, and one that does not think
/// of it, as redis-server, would never hear SIGTERM.
private func withSignalsUnblocked(_ start: () throws -> Void) rethrows {
    var none = sigset_t()
    var before = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try start()
}

struct DevError: Error, CustomStringConvertible {
    let description: String
}
