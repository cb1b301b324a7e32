import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import WeirTelemetry

/// A stand-in for Anthropic, OpenAI and Gemini: speaks all wire formats on one port, does what the `x-simulate` header
/// asks (``Instructions``), and remembers every call that reached it.
package final class Simulator: Sendable {
    /// Why a simulator does not run.
    package enum Fault: Error, Sendable, Equatable {
        case alreadyStarted
        /// The listening socket has no address, which no TCP socket should do.
        case noAddress
    }

    private struct State {
        var server: (any Channel)?
        var address: SocketAddress?
        var connections: [ObjectIdentifier: any Channel] = [:]
        var isStopped = false
    }

    private let configuration: SimulatorConfiguration
    private let group: any EventLoopGroup
    private let ownsGroup: Bool
    private let logger: Logger
    private let calls: CallLog
    private let metrics: SimulatorMetrics
    private let state = Mutex(State())

    /// - Parameter group: where connections live; nil starts a group of `configuration.threads` loops, which
    ///   ``stop()`` ends.
    /// - Parameter metrics: what `/metrics` shows.
    package init(
        configuration: SimulatorConfiguration, group: (any EventLoopGroup)? = nil, logger: Logger,
        metrics: MetricsRegistry = MetricsRegistry(MetricCatalogue.simulator)
    ) {
        self.configuration = configuration
        self.group = group ?? MultiThreadedEventLoopGroup(numberOfThreads: max(1, configuration.threads))
        ownsGroup = group == nil
        self.logger = logger
        calls = CallLog(capacity: configuration.logCapacity)
        self.metrics = SimulatorMetrics(metrics)
    }

    /// Listens, and returns the address taken.
    /// - Throws: ``Fault``, or the error of the socket, such as an address already in use.
    @discardableResult
    package func start() async throws -> SocketAddress {
        guard state.withLock({ $0.server == nil && !$0.isStopped }) else { throw Fault.alreadyStarted }
        let server = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.initialize(channel) }
            }
            .bind(host: configuration.host, port: configuration.port).get()
        guard let address = server.localAddress else {
            try await server.close()
            throw Fault.noAddress
        }
        state.withLock {
            $0.server = server
            $0.address = address
        }
        logger.debug("simulator listens", metadata: ["url": "\(url)"])
        return address
    }

    /// Where clients find it; until it has started, where it was told to listen.
    package var url: String {
        let port = state.withLock { $0.address?.port } ?? configuration.port
        let host = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
        return "http://\(host):\(port)"
    }

    /// Every call remembered, oldest first.
    package func log() -> [SimulatedCall] {
        calls.calls(from: 1, limit: .max).calls
    }

    /// Forgets every call.
    package func clearLog() { calls.clear() }

    /// Stops listening and cuts every connection. Calls that were open are logged as their clients' hang-ups.
    package func stop() async throws {
        let (server, connections) = state.withLock { state in
            state.isStopped = true
            defer { state.server = nil }
            return (state.server, Array(state.connections.values))
        }
        try await server?.close()
        for connection in connections {
            // A connection that closed by itself meanwhile is as good as closed by us.
            connection.close(promise: nil)
        }
        for connection in connections { try await connection.closeFuture.get() }
        if ownsGroup { try await group.shutdownGracefully() }
    }

    private func initialize(_ channel: any Channel) throws {
        let operations = channel.pipeline.syncOperations
        try operations.configureHTTPServerPipeline(
            withPipeliningAssistance: true, withErrorHandling: true, withOutboundHeaderValidation: false)
        try operations.addHandler(CallHandler(log: calls, metrics: metrics))
        let id = ObjectIdentifier(channel)
        let isStopped = state.withLock { state in
            state.connections[id] = channel
            return state.isStopped
        }
        channel.closeFuture.whenComplete { _ in self.state.withLock { _ = $0.connections.removeValue(forKey: id) } }
        if isStopped { channel.close(promise: nil) }
    }
}
