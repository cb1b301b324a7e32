import Foundation
import Glibc

/// A redis-server of one's own, on a free loopback port, in a private directory.
struct PrivateRedis: Sendable {
    let child: ChildProcess
    /// For who may do everything.
    let url: String

    /// The users of `deploy/redis/users.acl` that Weir's processes are in production.
    enum User: String { case gateway = "weir-gateway", aggregator = "weir-aggregator" }

    /// - Parameter persistent: keeps an append-only file in `directory`, as production should.
    /// - Parameter hasUsers: whether ``url(as:)`` can be used. They may do what they may in production.
    static func start(directory: String, persistent: Bool, hasUsers: Bool = false) async throws -> PrivateRedis {
        guard let program = path(of: "redis-server") else {
            throw DevError(description: "redis-server is not installed: apt-get install redis-server")
        }
        let users = hasUsers ? ["--aclfile", try usersFile(in: directory)] : []
        // Somebody may take the port that was free a moment ago.
        for _ in 0..<5 {
            let port = try freePort()
            let child = try ChildProcess.start(
                "redis", program: program,
                arguments: [
                    "--port", String(port), "--bind", "127.0.0.1", "--dir", directory, "--save", "", "--appendonly",
                    persistent ? "yes" : "no", "--maxmemory-policy", "noeviction",
                ] + users, logFile: directory + "/redis.log")
            while child.isRunning {
                if isListening(port: port) { return PrivateRedis(child: child, url: "redis://127.0.0.1:\(port)") }
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        throw DevError(description: "redis-server does not start: see \(directory)/redis.log")
    }

    func url(as user: User) -> String { url.replacing("redis://", with: "redis://\(user.rawValue):any@") }

    /// The shipped file, but without passwords: whoever reaches the loopback port of this server may do everything.
    private static func usersFile(in directory: String) throws -> String {
        let path = directory + "/users.acl"
        let text = String(decoding: PackageResources.users_acl, as: UTF8.self)
            .replacing(
                "user default off resetpass resetkeys resetchannels -@all", with: "user default on nopass ~* &* +@all"
            )
            .replacing(" on resetpass ", with: " on nopass ")
        guard FileManager.default.createFile(atPath: path, contents: Data(text.utf8)) else {
            throw DevError(description: "cannot write \(path)")
        }
        return path
    }

    /// Runs `body` with one in a temporary directory that is removed afterwards.
    static func with<Result>(persistent: Bool, _ body: (PrivateRedis) async throws -> Result) async throws -> Result {
        let directory = try privateDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let redis = try await start(directory: directory, persistent: persistent)
        do {
            let result = try await body(redis)
            await redis.child.end(patience: .seconds(5))
            return result
        } catch {
            await redis.child.end(patience: .seconds(5))
            throw error
        }
    }

    /// A new directory that nobody else may enter.
    static func privateDirectory() throws -> String {
        // In place of the last six characters mkdtemp puts what makes the name new.
        var template = Array((NSTemporaryDirectory() + "weir-" + String(repeating: "X", count: 6)).utf8CString)
        guard let made = mkdtemp(&template) else {
            throw DevError(description: "cannot make a directory in \(NSTemporaryDirectory())")
        }
        return String(cString: made)
    }

    private static func path(of program: String) -> String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
            .map { "\($0)/\(program)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}

/// A port of 127.0.0.1 that nobody listens on at this moment.
func freePort() throws -> Int {
    let port: Int? =
        withLoopbackSocket { socket in
            var address = loopback(port: 0)
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            return withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
                }
            } ? Int(UInt16(bigEndian: address.sin_port)) : nil
        } ?? nil
    guard let port else { throw DevError(description: "no free port on 127.0.0.1") }
    return port
}

/// Whether somebody listens on this port of 127.0.0.1.
func isListening(port: Int) -> Bool {
    withLoopbackSocket { socket in
        var address = loopback(port: port)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    } ?? false
}

private func loopback(port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
}

private func withLoopbackSocket<Result>(_ body: (Int32) -> Result) -> Result? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return body(descriptor)
}
