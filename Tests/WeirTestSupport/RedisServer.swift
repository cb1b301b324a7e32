import Foundation
import Logging
import NIOPosix
import Synchronization
import WeirRedis

/// A private redis-server of one test, on a free port of 127.0.0.1 and on a unix socket, in a directory of its own.
package final class RedisServer: Sendable {
    /// Why there is no server. A missing server fails the test, it never skips it.
    package struct Problem: Error, CustomStringConvertible {
        package let description: String
        init(_ description: String) { self.description = description }
    }

    package let directory: String
    package let port: Int
    package var url: String { "redis://127.0.0.1:\(port)" }
    /// For one of Weir's processes, which may do what ``RedisUser`` may.
    /// - Parameter proxy: the port of what stands before it; nil: straight to it.
    package func url(as user: RedisUser, port proxy: Int? = nil) -> String {
        "redis://\(hasUsers ? user.rawValue + ":any@" : "")127.0.0.1:\(proxy ?? port)"
    }
    package var socketPath: String { directory + "/redis.sock" }
    package var pid: Int32 { process.withLock { $0.processIdentifier } }

    private let executable: String
    private let arguments: [String]
    private let hasUsers: Bool
    private let process: Mutex<Process>
    private let watchdog: Mutex<Watchdog>

    private init(executable: String, directory: String, port: Int, arguments: [String]) async throws {
        self.executable = executable
        self.directory = directory
        self.port = port
        // A test that makes users of its own has no others.
        hasUsers = !arguments.contains("--requirepass")
        let arguments = try hasUsers ? arguments + ["--aclfile", RedisUser.file(in: directory)] : arguments
        self.arguments = arguments
        let launched = try Self.launch(
            executable: executable, directory: directory, port: port, arguments: arguments)
        process = Mutex(launched)
        watchdog = Mutex(try Watchdog(over: launched.processIdentifier, directory: directory))
        try await waitUntilServing()
    }

    /// Starts a server, on another port if somebody else takes the one found.
    ///
    /// - Throws: ``Problem`` with what the server said, also when there is no redis-server on this machine.
    package static func start(
        executable: String = "redis-server", arguments: [String] = []
    ) async throws -> RedisServer {
        let directory = try makeTemporaryDirectory()
        var last: any Error = Problem("not tried")
        for _ in 0..<5 {
            do {
                return try await RedisServer(
                    executable: executable, directory: directory, port: freePort(), arguments: arguments)
            } catch {
                last = error
            }
        }
        removeTemporaryDirectory(directory)
        throw last
    }

    /// Ends the server and removes its directory.
    package func stop() {
        kill()
        removeTemporaryDirectory(directory)
    }

    /// `kill -9`, also when it is paused. Returns when it is gone.
    package func kill() {
        process.withLock { process in
            guard process.isRunning else { return }
            _ = Glibc.kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        watchdog.withLock { $0.dismiss() }
    }

    /// Starts it again on the same port, after ``kill()`` or instead of it. What it kept is what its arguments say.
    package func restart() async throws {
        kill()
        let next = try Self.launch(executable: executable, directory: directory, port: port, arguments: arguments)
        let pid = next.processIdentifier
        process.withLock { $0 = next }
        try watchdog.withLock { $0 = try Watchdog(over: pid, directory: directory) }
        try await waitUntilServing()
    }

    /// The server no longer answers, while its connections stay open (SIGSTOP).
    package func pause() { _ = Glibc.kill(pid, SIGSTOP) }
    package func resume() { _ = Glibc.kill(pid, SIGCONT) }

    /// What the server printed so far.
    package var log: String {
        (try? String(contentsOfFile: directory + "/redis.log", encoding: .utf8)) ?? ""
    }

    /// Sends one command on a connection of its own, as an operator with redis-cli would. Has seconds to answer.
    @discardableResult
    package func send(_ command: [RedisArgument]) async throws -> RedisValue {
        try await withConnection(to: self) { try await $0.send(command, deadline: .seconds(10)) }
    }

    private static func launch(
        executable: String, directory: String, port: Int, arguments: [String]
    ) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            [
                executable, "--port", "\(port)", "--bind", "127.0.0.1", "--unixsocket", directory + "/redis.sock",
                "--dir", directory, "--logfile", directory + "/redis.log", "--save", "", "--appendonly", "no",
            ] + arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            throw Problem("cannot run redis-server: \(error)")
        }
        return process
    }

    private func waitUntilServing() async throws {
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end {
            if isServing() { return }
            let (isRunning, status) = process.withLock { process in
                process.isRunning ? (true, 0) : (false, process.terminationStatus)
            }
            if !isRunning {
                let advice = status == 127 ? " (is \(executable) installed?)" : ""
                throw Problem("\(executable) ended with status \(status)\(advice): \(log.suffix(500))")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        kill()
        throw Problem("redis-server did not serve within 20 s: \(log.suffix(500))")
    }

    /// Whether any reply comes but LOADING; also a request for a password is one.
    private func isServing() -> Bool {
        let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { return false }
        defer { close(socket) }
        var timeout = timeval(tv_sec: 0, tv_usec: 200_000)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(socketPath.utf8)) }
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else { return false }
        guard Glibc.send(socket, "PING\r\n", 6, Int32(MSG_NOSIGNAL)) == 6 else { return false }
        var reply = [UInt8](repeating: 0, count: 64)
        let count = recv(socket, &reply, reply.count, 0)
        return count > 0 && !reply.starts(with: Array("-LOADING".utf8))
    }
}

/// A port of 127.0.0.1 that nobody has at this moment.
package func freePort() throws -> Int {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
            bind(socket, pointer, length) == 0 && getsockname(socket, pointer, &length) == 0
        }
    }
    guard result else { throw RedisServer.Problem("no free port: errno \(errno)") }
    return Int(UInt16(bigEndian: address.sin_port))
}
