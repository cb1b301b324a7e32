import Foundation

/// A program that runs, with what it prints in a file. It ends with this test process, however that ends.
package final class Program: Sendable {
    package struct Problem: Error, CustomStringConvertible {
        package let description: String

        package init(description: String) { self.description = description }
    }

    /// What a program said, and how it ended.
    package struct Finished: Sendable {
        package let status: Int32
        package let output: String
        package let errors: String
    }

    /// The built `weir`: it lies beside the test bundle.
    package static let weir: String = {
        let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: bundle).deletingLastPathComponent().path + "/weir"
    }()

    private let process: Process
    private let logFile: String

    package var pid: Int32 { process.processIdentifier }
    package var isRunning: Bool { process.isRunning }
    package var log: String { String(decoding: FileManager.default.contents(atPath: logFile) ?? Data(), as: UTF8.self) }

    /// - Parameter environment: all of it.
    package init(_ program: String, _ arguments: [String], environment: [String: String], logFile: String) throws {
        self.logFile = logFile
        process = try Self.started(
            program, arguments, environment: environment, output: Self.file(logFile), errors: nil)
    }

    /// Runs a program to its end.
    package static func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> Finished {
        try await withTemporaryDirectory { directory in
            let (output, errors) = (directory + "/output", directory + "/errors")
            let process = try started(
                program, arguments, environment: inherited(environment), output: file(output), errors: file(errors))
            let status = await ended(process, within: .seconds(300))
            return Finished(
                status: status, output: try String(contentsOfFile: output, encoding: .utf8),
                errors: try String(contentsOfFile: errors, encoding: .utf8))
        }
    }

    /// This process's environment without settings of Weir, and with `changes`.
    package static func inherited(_ changes: [String: String]) -> [String: String] {
        ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("WEIR_") }.merging(changes) { $1 }
    }

    package func send(signal: Int32) { if process.isRunning { kill(pid, signal) } }

    /// Returns its exit status, negative for a signal, when it has ended; within a minute, or it is killed.
    package func end() async -> Int32 { await Self.ended(process, within: .seconds(60)) }

    private static func ended(_ process: Process, within patience: Duration) async -> Int32 {
        let deadline = ContinuousClock.now + patience
        while process.isRunning {
            if ContinuousClock.now > deadline { kill(process.processIdentifier, SIGKILL) }
            // A cancelled task waits, too: nothing may stay behind.
            do { try await Task.sleep(for: .milliseconds(2)) } catch { usleep(2_000) }
        }
        return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }

    private static func file(_ path: String) throws -> FileHandle {
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let handle = FileHandle(forWritingAtPath: path)
        else { throw Problem(description: "cannot write \(path)") }
        return handle
    }

    private static func started(
        _ program: String, _ arguments: [String], environment: [String: String], output: FileHandle,
        errors: FileHandle?
    ) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program.hasPrefix("/") ? program : "/usr/bin/env")
        process.arguments = program.hasPrefix("/") ? arguments : [program] + arguments
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors ?? output
        // A child begins with the signals blocked that this thread has blocked: all. redis-server unblocks none.
        var terminate = sigset_t()
        var before = sigset_t()
        sigemptyset(&terminate)
        sigaddset(&terminate, SIGTERM)
        pthread_sigmask(SIG_UNBLOCK, &terminate, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        do {
            try process.run()
            // The child has its own; Foundation keeps these open as long as the process is known, and starting another one
            // reads past the end of its list of open files when there are more than some 1,300.
            try output.close()
            try errors?.close()
        } catch { throw Problem(description: "cannot run \(program): \(error)") }
        return process
    }
}

/// True if no process has this id, or only the remains of one.
package func isGone(_ pid: Int32) -> Bool {
    guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
        let state = stat.split(separator: ")").last?.split(separator: " ").first
    else { return true }
    return state == "Z" || state == "X"
}
