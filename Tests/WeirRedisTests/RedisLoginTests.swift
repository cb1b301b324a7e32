import Foundation
import NIOCore
import NIOPosix
import Testing
import WeirRedis
import WeirTestSupport

/// Ways to reach a server and to log in.
@Suite struct RedisLoginTests {
    @Test func `a user of the ACL logs in and may do what it may`() async throws {
        try await withRedis { server in
            try await server.send(["ACL", "SETUSER", "weir", "on", ">s3cret/@", "~weir:*", "+@all", "-flushall"])
            try await withConnection(login(server, "weir", "s3cret%2F%40")) { redis in
                let name = try await redis.send(["ACL", "WHOAMI"])
                #expect(name == .bulk(ByteBuffer(string: "weir")))
                let refused = await #expect(throws: RedisError.self) { try await redis.send(["GET", "other"]) }
                guard case .configuration? = refused else {
                    Issue.record("\(String(describing: refused))")
                    return
                }
            }
        }
    }

    @Test func `F-R12: a wrong password is a matter of configuration, said at once and without the password`()
        async throws
    {
        try await withRedis { server in
            try await server.send(["ACL", "SETUSER", "weir", "on", ">right", "~*", "+@all"])
            let redis = RedisConnection(
                configuration: try login(server, "weir", "hunter2"),
                eventLoop: MultiThreadedEventLoopGroup.singleton.any(), logger: .silent)
            redis.start()
            for _ in 0..<2 {
                do throws(RedisError) {
                    try await redis.waitUntilReady(timeout: .seconds(30))
                    Issue.record("it let us in")
                } catch .configuration(let text) {
                    #expect(text.hasPrefix("WRONGPASS") && !text.contains("hunter2"))
                } catch {
                    Issue.record("\(error)")
                }
            }
            let error = await #expect(throws: RedisError.self) { try await redis.send(["PING"]) }
            guard case .configuration? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            try await server.send(["ACL", "SETUSER", "weir", ">hunter2"])
            try await eventually("the mended password is tried") { redis.state == .ready }
            await redis.close()
            try FaultReport(
                "F-R12", invariant: "wrong credentials: an error of configuration, not an outage, C1 S1",
                bound: "0 commands, 0 secrets shown", measured: "0, 0"
            ).report()
        }
    }

    @Test func `a server that wants a password and gets none is a matter of configuration`() async throws {
        try await withRedis(["--requirepass", "right"]) { server in
            let error = await #expect(throws: RedisError.self) { try await withConnection(to: server) { _ in } }
            guard case .configuration(let text)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(text.hasPrefix("NOAUTH"))
            var configuration = try RedisConfiguration(url: server.url)
            configuration.password = "right"
            try await withConnection(configuration) { redis in _ = try await redis.send(["GET", "a"]) }
        }
    }

    @Test func `the database of the URL is selected, also after a reconnect`() async throws {
        try await withRedis { server in
            try await withConnection(RedisConfiguration(url: server.url + "/3")) { redis in
                _ = try await redis.send(["SET", "a", "in three"])
                try await server.send(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"])
                try await eventually("it reads from database 3") {
                    try await redis.send(["GET", "a"]) == .bulk(ByteBuffer(string: "in three"))
                }
            }
            #expect(try await server.send(["GET", "a"]) == .null)
            let error = await #expect(throws: RedisError.self) {
                try await withConnection(RedisConfiguration(url: server.url + "/99")) { _ in }
            }
            #expect(error == .configuration("ERR DB index is out of range"))
        }
    }

    @Test func `a unix socket serves as well`() async throws {
        try await withRedis { server in
            try await withConnection(RedisConfiguration(url: "unix://\(server.socketPath)?db=2")) { redis in
                let reply = try await redis.send(["SET", "a", "1"])
                #expect(reply == .status("OK"))
            }
            try await withConnection(RedisConfiguration(url: server.url + "/2")) { redis in
                let reply = try await redis.send(["GET", "a"])
                #expect(reply == .bulk(ByteBuffer(string: "1")))
            }
        }
    }

    @Test func `TLS is used and the server's certificate is checked`() async throws {
        try await withTemporaryDirectory { directory in
            try makeCertificate(in: directory, name: "server")
            try makeCertificate(in: directory, name: "other")
            let port = try freePort()
            try await withRedis([
                "--tls-port", "\(port)", "--tls-cert-file", directory + "/server.crt", "--tls-key-file",
                directory + "/server.key", "--tls-ca-cert-file", directory + "/server.crt", "--tls-auth-clients", "no",
            ]) { _ in
                for host in ["localhost", "127.0.0.1"] {
                    let url = "rediss://\(host):\(port)?ca=\(directory)/server.crt"
                    try await withConnection(try patient(url)) { redis in
                        let reply = try await redis.send(["ECHO", "a"])
                        #expect(reply == .bulk(ByteBuffer(string: "a")))
                    }
                }
                try await withConnection(try patient("rediss://127.0.0.1:\(port)?insecure=true")) { redis in
                    _ = try await redis.send(["PING"])
                }
                let missing = await #expect(throws: RedisError.self) {
                    try await withConnection(try patient("rediss://127.0.0.1:\(port)?ca=/missing.pem")) { _ in }
                }
                #expect("\(String(describing: missing))".contains("no usable PEM file at /missing.pem"))
                for untrusted in ["?ca=\(directory)/other.crt", ""] {
                    let error = await #expect(throws: RedisError.self) {
                        try await withConnection(try patient("rediss://127.0.0.1:\(port)\(untrusted)")) { _ in }
                    }
                    guard case .configuration? = error else {
                        Issue.record("\(untrusted): \(String(describing: error))")
                        return
                    }
                }
            }
        }
    }

    @Test func `a full server is a matter of configuration, and is tried again`() async throws {
        try await withRedis(["--maxclients", "1"]) { server in
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            let late = RedisConnection(
                configuration: try RedisConfiguration(url: server.url), eventLoop: loop, logger: .silent)
            try await withConnection(to: server) { first in
                _ = try await first.send(["PING"])
                late.start()
                try await eventually("the reason is known") {
                    if case .broken(let reason) = late.state { reason.contains("max number of clients") } else { false }
                }
            }
            try await eventually("it got the free place") { late.state == .ready }
            await late.close()
        }
    }

    private func login(_ server: RedisServer, _ user: String, _ password: String) throws -> RedisConfiguration {
        var configuration = try RedisConfiguration(url: "redis://\(user):\(password)@127.0.0.1:\(server.port)")
        configuration.commandDeadline = .seconds(5)
        configuration.connectTimeout = .seconds(10)
        return configuration
    }

    private func patient(_ url: String) throws -> RedisConfiguration {
        var configuration = try RedisConfiguration(url: url)
        configuration.commandDeadline = .seconds(5)
        configuration.connectTimeout = .seconds(10)
        return configuration
    }
}
