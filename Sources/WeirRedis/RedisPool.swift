import Logging
import NIOCore
import Synchronization

/// One connection per event loop of a group, so that each loop's tasks reach Redis without leaving it.
package final class RedisPool: Sendable {
    package let connections: [RedisConnection]
    private let byLoop: [ObjectIdentifier: RedisConnection]
    private let turn = Atomic<UInt>(0)

    package init(
        configuration: RedisConfiguration, group: any EventLoopGroup, logger: Logger, metrics: RedisMetrics = .none
    ) {
        let loops = Array(group.makeIterator())
        precondition(!loops.isEmpty, "an event loop group has at least one loop")
        connections = loops.map {
            RedisConnection(configuration: configuration, eventLoop: $0, logger: logger, metrics: metrics)
        }
        byLoop = Dictionary(uniqueKeysWithValues: zip(loops.map { ObjectIdentifier($0) }, connections))
    }

    /// Begins to connect and returns at once.
    package func start() {
        for connection in connections { connection.start() }
    }

    /// The connection of `loop`; for a loop of another group, any of them.
    package func connection(for loop: any EventLoop) -> RedisConnection {
        byLoop[ObjectIdentifier(loop)] ?? any
    }

    /// The connections in turn, for callers that run on none of the loops.
    package var any: RedisConnection {
        let (next, _) = turn.wrappingAdd(1, ordering: .relaxed)
        return connections[Int(next % UInt(connections.count))]
    }

    /// The worst state of all connections.
    package var state: RedisConnection.State {
        var worst = RedisConnection.State.ready
        for connection in connections {
            switch connection.state {
            case .ready: break
            case .connecting: worst = .connecting
            case .broken(let reason): return .broken(reason: reason)
            }
        }
        return worst
    }

    /// As ``RedisConnection/waitUntilReady(timeout:)``, for all connections, `timeout` in total.
    package func waitUntilReady(timeout: Duration) async throws(RedisError) {
        let deadline = ContinuousClock.now + timeout
        for connection in connections {
            try await connection.waitUntilReady(timeout: max(.zero, ContinuousClock.now.duration(to: deadline)))
        }
    }

    /// As ``RedisConnection/send(_:)``, on one of the connections.
    package func send(_ command: [RedisArgument]) async throws(RedisError) -> RedisValue {
        try await any.send(command)
    }

    /// As ``RedisConnection/send(_:deadline:)``, on one of the connections.
    package func send(
        _ command: [RedisArgument], deadline: Duration
    ) async throws(RedisError) -> RedisValue {
        try await any.send(command, deadline: deadline)
    }

    /// As ``RedisConnection/run(_:keys:arguments:deadline:)``, on one of the connections.
    package func run(
        _ script: RedisScript, keys: [String], arguments: [RedisArgument], deadline: Duration? = nil
    ) async throws(RedisError) -> RedisValue {
        try await any.run(script, keys: keys, arguments: arguments, deadline: deadline)
    }

    package func close() async {
        for connection in connections { await connection.close() }
    }
}
