import Foundation

/// A process of ours, with what it prints in a file. Ended with us, whatever happens: see ``Watchdog``.
final class ChildProcess: Sendable {
    let name: String
    let pid: Int32
    private let process: Process
    private let watchdog: Watchdog

    private init(name: String, process: Process) throws {
        self.name = name
        self.process = process
        pid = process.processIdentifier
        do { watchdog = try Watchdog(over: pid) } catch {
            process.terminate()
            throw error
        }
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
        do { try runHearingSIGTERM(process) } catch {
            throw DevError(description: "cannot start \(program) (\(name)): \(error.localizedDescription)")
        }
        return try ChildProcess(name: name, process: process)
    }

    /// A child begins with the signal mask of the thread that starts it, and Swift's threads block every signal. `weir`
    /// unblocks what it waits for, redis-server does not, and would never hear SIGTERM. SIGINT stays blocked: Ctrl-C
    /// goes to every process of the terminal, but redis-server must outlive those that settle.
    private static func runHearingSIGTERM(_ process: Process) throws {
        var terminate = sigset_t()
        var before = sigset_t()
        sigemptyset(&terminate)
        sigaddset(&terminate, SIGTERM)
        pthread_sigmask(SIG_UNBLOCK, &terminate, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try process.run()
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
        watchdog.dismiss()
    }
}

/// Ends a child when this process is gone, however that came about (kill -9): a shell that reads from a pipe which only
/// this process writes to. The pipe's end is ours.
struct Watchdog: Sendable {
    private let shell = Process()
    private let pipe = Pipe()

    init(over child: Int32) throws {
        // Not for the children that are started later.
        _ = fcntl(pipe.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", #"read -r _; kill "$0""#, String(child)]
        shell.standardInput = pipe
        shell.standardOutput = FileHandle.nullDevice
        shell.standardError = FileHandle.nullDevice
        try shell.run()
    }

    /// Call it when the child is gone: its number may be another's soon.
    func dismiss() { if shell.isRunning { kill(shell.processIdentifier, SIGKILL) } }
}

struct DevError: Error, CustomStringConvertible {
    let description: String
}
