import Logging
import NIOCore
import WeirCore
import WeirProviders
import WeirRedis
import WeirTelemetry

/// What all event loops of a node share. An object, since every step of every call reaches for it.
final class GatewayNode: Sendable {
    let configuration: GatewayConfiguration
    let admission: any Admission
    let metrics: GatewayMetrics
    /// Nil: calls are not traced.
    let tracer: OTLPTracer?
    let logger: Logger
    let anthropicBase: ProviderBase
    let openAIBase: ProviderBase
    let geminiBase: ProviderBase

    init(
        configuration: GatewayConfiguration, admission: any Admission, metrics: GatewayMetrics, tracer: OTLPTracer?,
        logger: Logger, anthropicBase: ProviderBase, openAIBase: ProviderBase, geminiBase: ProviderBase
    ) {
        self.configuration = configuration
        self.admission = admission
        self.metrics = metrics
        self.tracer = tracer
        self.logger = logger
        self.anthropicBase = anthropicBase
        self.openAIBase = openAIBase
        self.geminiBase = geminiBase
    }

    func provider(_ dialect: Dialect) -> (base: ProviderBase, provider: GatewayConfiguration.Provider) {
        switch dialect {
        case .anthropic: (anthropicBase, configuration.anthropic)
        case .openAI: (openAIBase, configuration.openAI)
        case .gemini: (geminiBase, configuration.gemini)
        }
    }
}

/// Something with deadlines.
protocol Watched: AnyObject {
    /// Its place in ``GatewayLoop``'s list; nil when it is not there.
    var watchSlot: Int? { get set }
    func check(now: NIODeadline)
    /// The node gives up what still runs.
    func stop()
    func close()
}

/// What one event loop owns: its way to the providers, and everything alive on it. Touched on that loop alone.
///
/// Deadlines are looked at every ``GatewayConfiguration/Deadlines/check`` for all together, because a timer for every
/// call costs more than the call's own bookkeeping, and nearly none of them ever fires.
final class GatewayLoop {
    let loop: any EventLoop
    let executor: EventLoopTaskExecutor
    let node: GatewayNode
    let upstream: any Upstream
    /// This loop's share of what the node holds at most.
    let bodyBytesAtMost: Int
    let drainsAtMost: Int
    var bodyBytes = 0
    var counts = LoopCounts()
    var drains = 0

    private var watched: [any Watched] = []
    private var timer: RepeatedTask?
    private(set) var isStopping = false

    init(loop: any EventLoop, executor: EventLoopTaskExecutor, node: GatewayNode, loops: Int) {
        self.loop = loop
        self.executor = executor
        self.node = node
        upstream = ProviderConnections(loop: loop, deadlines: node.configuration.deadlines)
        bodyBytesAtMost = max(node.configuration.limits.bodyBytesInAll / loops, node.configuration.limits.bodyBytes)
        drainsAtMost = node.configuration.drain.atOnce == 0 ? 0 : max(node.configuration.drain.atOnce / loops, 1)
    }

    func start() {
        let interval = TimeAmount(node.configuration.deadlines.check)
        let bound = NIOLoopBound(self, eventLoop: loop)
        timer = loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in bound.value.check() }
    }

    func watch(_ object: any Watched) {
        guard object.watchSlot == nil else { return }
        object.watchSlot = watched.count
        watched.append(object)
    }

    func unwatch(_ object: any Watched) {
        guard let slot = object.watchSlot else { return }
        object.watchSlot = nil
        let last = watched.removeLast()
        if slot < watched.count {
            watched[slot] = last
            last.watchSlot = slot
        }
    }

    private func check() {
        let now = NIODeadline.now()
        // From the end, since a check may take its object, and with it the last one's slot, out of the list.
        var index = watched.count - 1
        while index >= 0 {
            if index < watched.count { watched[index].check(now: now) }
            index -= 1
        }
        upstream.check(now: now)
    }

    /// Cuts everything that still runs on this loop. What it cuts settles by itself.
    func stopAll() {
        isStopping = true
        for object in watched { object.stop() }
    }

    /// Closes every connection, whatever is going on there.
    func closeAll() {
        for object in watched { object.close() }
    }

    func stopTimer() {
        timer?.cancel()
        timer = nil
    }
}
