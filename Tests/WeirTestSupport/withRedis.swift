import Logging
import NIOCore
import NIOPosix
import WeirRedis

/// Runs `body` with a private redis-server and ends it afterwards.
///
/// - Parameter arguments: added to redis-server's command line; by default nothing is written to disk.
/// - Throws: ``RedisServer/Problem`` if no server can be started, and what `body` throws.
nonisolated(nonsending) package func withRedis<Result>(
    _ arguments: [String] = [], _ body: (RedisServer) async throws -> Result
) async throws -> Result {
    let server = try await RedisServer.start(arguments: arguments)
    defer { server.stop() }
    return try await body(server)
}

/// Runs `body` with a connection that is ready, and closes it afterwards.
///
/// - Parameter user: who logs in; nil: who may do everything.
/// - Parameter adjust: changes the configuration before it connects.
nonisolated(nonsending) package func withConnection<Result>(
    to server: RedisServer, as user: RedisUser? = nil, adjust: (inout RedisConfiguration) -> Void = { _ in },
    _ body: (RedisConnection) async throws -> Result
) async throws -> Result {
    var configuration = try RedisConfiguration(url: user.map { server.url(as: $0) } ?? server.url)
    // A loaded test machine is slower than the production default allows; tests of deadlines set their own.
    configuration.commandDeadline = .seconds(5)
    configuration.connectTimeout = .seconds(10)
    adjust(&configuration)
    return try await withConnection(configuration, body)
}

/// Runs `body` with three connections: of who may do everything, of a gateway and of an aggregator.
nonisolated(nonsending) package func withProcesses<Result>(
    of server: RedisServer, adjust: (inout RedisConfiguration) -> Void = { _ in },
    _ body: (_ redis: RedisConnection, _ gateway: RedisConnection, _ aggregator: RedisConnection) async throws -> Result
) async throws -> Result {
    try await withConnection(to: server, adjust: adjust) { redis in
        try await withConnection(to: server, as: .gateway, adjust: adjust) { gateway in
            try await withConnection(to: server, as: .aggregator, adjust: adjust) { aggregator in
                try await body(redis, gateway, aggregator)
            }
        }
    }
}

/// As above, to where `configuration` says.
nonisolated(nonsending) package func withConnection<Result>(
    _ configuration: RedisConfiguration, _ body: (RedisConnection) async throws -> Result
) async throws -> Result {
    let connection = RedisConnection(
        configuration: configuration, eventLoop: MultiThreadedEventLoopGroup.singleton.any(), logger: .silent)
    connection.start()
    do {
        try await connection.waitUntilReady(timeout: .seconds(20))
        let result = try await body(connection)
        await connection.close()
        return result
    } catch {
        await connection.close()
        throw error
    }
}

extension Logger {
    /// Drops everything.
    package static var silent: Logger {
        Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    }
}
