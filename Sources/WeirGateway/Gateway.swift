import Logging
import NIOCore
import NIOExtras
import NIOHTTP1
import NIOPosix
import Synchronization
import WeirCore
import WeirProviders
import WeirRedis
import WeirTelemetry

/// A gateway node: identifies, admits, forwards and charges the calls of its clients.
package final class Gateway: Sendable {
    /// Where it listens, once it does.
    package struct Addresses: Sendable {
        package let listen: SocketAddress
        package let operations: SocketAddress?
    }

    /// Why it did not start.
    package enum StartError: Error, Sendable {
        case configuration(String)
        case listen(GatewayConfiguration.Address, reason: String)
    }

    private let node: GatewayNode
    private let group: any EventLoopGroup
    private let counts: ConnectionCounts
    private let running = Mutex<Running?>(nil)
    private let isCutShort = Atomic(false)

    private struct Running {
        let loops: Loops
        /// Let go of by ``Gateway/stop(deadline:)``, since its end still has something to say to an event loop.
        let quiescing: ServerQuiescingHelper
        let operations: (any Channel)?
    }

    /// What each event loop owns, by the loop.
    private typealias Loops = [ObjectIdentifier: Loop]

    private struct Loop {
        let eventLoop: any EventLoop
        let executor: EventLoopTaskExecutor
        let owned: NIOLoopBound<GatewayLoop>
    }

    /// - Parameter metrics: what `/metrics` shows; the same that the Redis pool counts on.
    /// - Parameter tracer: nil: calls are not traced.
    package init(
        configuration: GatewayConfiguration, enforcer: any Admission, group: any EventLoopGroup,
        logger: Logger, metrics: MetricsRegistry = MetricsRegistry(MetricCatalogue.gateway), tracer: OTLPTracer? = nil
    ) throws(StartError) {
        if let problem = configuration.problem { throw .configuration(problem) }
        guard let anthropicBase = ProviderBase(configuration.anthropic.url),
            let openAIBase = ProviderBase(configuration.openAI.url),
            let geminiBase = ProviderBase(configuration.gemini.url)
        else { throw .configuration("a provider's URL cannot be used") }
        node = GatewayNode(
            configuration: configuration, admission: enforcer, metrics: GatewayMetrics(metrics),
            tracer: tracer, logger: logger, anthropicBase: anthropicBase, openAIBase: openAIBase, geminiBase: geminiBase
        )
        self.group = group
        counts = ConnectionCounts(configuration.limits)
    }

    /// Listens. The engine must have started.
    package func start() async throws(StartError) -> Addresses {
        let configuration = node.configuration
        let loops = await makeLoops()
        let quiescing = ServerQuiescingHelper(group: group)
        let server = try await bind(configuration.listen, serverBootstrap(loops, quiescing))
        var operations: (any Channel)?
        if let address = configuration.operations {
            do throws(StartError) {
                operations = try await bind(address, operationsBootstrap())
            } catch {
                server.close(promise: nil)
                throw error
            }
        }
        running.withLock { $0 = Running(loops: loops, quiescing: quiescing, operations: operations) }
        guard let listen = server.localAddress else {
            throw .listen(configuration.listen, reason: "the socket has no address")
        }
        return Addresses(listen: listen, operations: operations?.localAddress)
    }

    /// Takes no new calls, lets the running ones go on until `deadline`, cuts what is left then, and returns when every
    /// call has been charged, or the engine could not bring a charge to stand.
    ///
    /// - Returns: how many settlements do not stand.
    package func stop(deadline: ContinuousClock.Instant) async -> Int {
        guard let running = running.withLock({ running in running.take() }) else { return 0 }
        let closed = group.any().makePromise(of: Void.self)
        running.quiescing.initiateShutdown(promise: closed)
        await untilNothingIsInFlight { self.isCutShort.load(ordering: .acquiring) || ContinuousClock.now >= deadline }
        for loop in running.loops.values {
            loop.eventLoop.execute { loop.owned.value.stopAll() }
        }
        // What was cut is being charged: no longer than one exchange with Redis each.
        let last = ContinuousClock.now + .seconds(2)
        await untilNothingIsInFlight { ContinuousClock.now >= last }
        let patience = isCutShort.load(ordering: .acquiring) ? last : max(deadline, last)
        let unsettled = await node.admission.drain(deadline: patience)
        for loop in running.loops.values {
            await withTaskExecutorPreference(loop.executor) {
                loop.owned.value.closeAll()
                loop.owned.value.stopTimer()
                loop.owned.value.upstream.stop()
            }
        }
        running.operations?.close(promise: nil)
        do {
            try await closed.futureResult.get()
        } catch {
            node.logger.warning("the listener did not close", metadata: ["error": "\(error)"])
        }
        return unsettled
    }

    /// A ``stop(deadline:)`` that is under way, or comes, does not wait for running calls: they are cut and charged now.
    package func cutShort() { isCutShort.store(true, ordering: .releasing) }

    private func untilNothingIsInFlight(orWhen isOver: () -> Bool) async {
        while node.metrics.inFlight > 0, !isOver() {
            // Cancelled: there is no more time to wait.
            guard (try? await Task.sleep(for: .milliseconds(5))) != nil else { return }
        }
    }

    private func makeLoops() async -> Loops {
        let eventLoops = Array(group.makeIterator())
        var loops: Loops = [:]
        for eventLoop in eventLoops {
            let executor = EventLoopTaskExecutor(eventLoop)
            let owned = await withTaskExecutorPreference(executor) { [node] in
                let owned = GatewayLoop(loop: eventLoop, executor: executor, node: node, loops: eventLoops.count)
                owned.start()
                return NIOLoopBound(owned, eventLoop: eventLoop)
            }
            loops[ObjectIdentifier(eventLoop)] = Loop(eventLoop: eventLoop, executor: executor, owned: owned)
        }
        return loops
    }

    private func bind(_ address: GatewayConfiguration.Address, _ bootstrap: ServerBootstrap) async throws(StartError)
        -> any Channel
    {
        do {
            return try await bootstrap.bind(host: address.host, port: address.port).get()
        } catch {
            throw .listen(address, reason: "\(error)")
        }
    }

    private func serverBootstrap(_ loops: Loops, _ quiescing: ServerQuiescingHelper) -> ServerBootstrap {
        let limits = node.configuration.limits
        var decoding = NIOHTTPDecoderLimitConfiguration()
        decoding.maxHeaderFieldSize = limits.headerFieldBytes
        decoding.maxHeaderListSize = limits.headerBytes
        decoding.maxHeaderFieldCount = limits.headerFields
        let water = ChannelOptions.Types.WriteBufferWaterMark(
            low: max(limits.unsentBytes / 2, 1), high: limits.unsentBytes)
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        quiescing.makeServerChannelHandler(channel: channel))
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: water)
            .childChannelInitializer { [counts, decoding, proxies = node.configuration.trustedProxies] channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let loop = loops[ObjectIdentifier(channel.eventLoop)] else { throw Refused.strangeLoop }
                    let peer = Peer(channel.remoteAddress, trusting: proxies)
                    let origin = peer.origin
                    guard counts.admit(origin) else { throw Refused.tooManyConnections }
                    do {
                        let pipeline = channel.pipeline.syncOperations
                        // Of the library's pipeline only the parser: the connection answers what cannot be parsed itself,
                        // like every other denial, and does its own writing and waiting.
                        try pipeline.addHandler(
                            ByteToMessageHandler(
                                HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: decoding)))
                        try pipeline.addHandler(
                            ConnectionHandler(
                                owner: loop.owned.value, peer: peer, onClose: { counts.remove(origin) }))
                    } catch {
                        counts.remove(origin)
                        throw error
                    }
                }
            }
    }

    /// Why a connection is closed at once.
    private enum Refused: Error {
        case tooManyConnections
        case strangeLoop
    }

    private func operationsBootstrap() -> ServerBootstrap {
        let answers = OperationsHandler.Answers(
            readiness: { [node] in
                let admission = node.admission
                return NodeReadiness(
                    reason: admission.unreadyReason, outage: OutageText.mode(admission.outageStandings),
                    outbox: admission.outboxStatus, nowMs: admission.nowMs)
            },
            metrics: { [node, counts] in
                node.metrics.text(connections: counts.total, admission: node.admission)
            })
        return ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(OperationsHandler(answers))
                }
            }
    }
}
