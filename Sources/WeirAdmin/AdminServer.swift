import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import WeirCore
import WeirLedger
import WeirRedis

/// The admin API: keys, limited set, kill switch, usage and policy, over ledger and Redis.
///
/// A change is written to the ledger with its line in the audit, and then published to Redis.
package struct AdminServer: Sendable {
    private let configuration: AdminConfiguration
    private let ledger: any AdminLedger
    private let routes: AdminRoutes
    private let dashboard: Dashboard
    private let group: any EventLoopGroup
    private let logger: Logger

    /// - Parameter prices: those that ship; what operators add comes from the ledger.
    /// - Parameter nowMs: the time that the ledger records, milliseconds since 1970.
    /// - Parameter metrics: the process's, in the text format of Prometheus.
    /// - Parameter unreadyReason: why the process is not ready, beyond ledger and Redis; for `/readyz`.
    /// - Throws: ``AdminConfiguration/Fault``, or what the ledger throws.
    package init(
        configuration: AdminConfiguration, ledger: any AdminLedger, redis: RedisPool, prices: PriceHistory,
        group: any EventLoopGroup, logger: Logger, nowMs: @escaping @Sendable () -> Int,
        unreadyReason: @escaping @Sendable () async -> String? = { nil },
        metrics: @escaping @Sendable () async -> String = { "" }
    ) async throws {
        let stored = try await ledger.adminTokens()
        try configuration.check(hasStoredTokens: stored.contains { $0.isUsable(atMs: nowMs()) })
        self.configuration = configuration
        self.ledger = ledger
        self.group = group
        self.logger = logger
        routes = AdminRoutes(
            configuration: configuration, ledger: ledger,
            access: AdminAccess(configuration, ledger: ledger, nowMs: nowMs, logger: logger),
            publication: Publication(redis: redis, ledger: ledger), prices: prices, nowMs: nowMs,
            unreadyReason: unreadyReason, metrics: metrics, logger: logger)
        dashboard = Dashboard(routes)
    }

    /// Serves until the surrounding service group shuts down, or the task is cancelled.
    /// - Parameter onListening: told the port once requests are answered.
    package func run(onListening: @escaping @Sendable (Int) async -> Void = { _ in }) async throws {
        if configuration.token == nil, try await ledger.adminTokens().isEmpty {
            logger.warning("the admin API has no token: whoever reaches \(configuration.host) may do everything")
        }
        // Every limit of the listener is set here; the defaults of libraries change.
        let channel = HTTP1Channel.Configuration(
            idleTimeout: .seconds(Int64(configuration.idleSeconds)),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 16_384, maxHeaderListSize: 32_768, maxHeaderFieldCount: 64))
        let application = Application(
            router: router(), server: .http1(configuration: channel),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), backlog: 256,
                availableConnectionsDelegate: .maximum(configuration.mostConnections, logger: logger)),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? 0) },
            eventLoopGroupProvider: .shared(group), logger: logger)
        do {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { await dashboard.run() }
                defer { tasks.cancelAll() }
                // Whoever looks on would keep the listener from ending.
                try await withGracefulShutdownHandler {
                    try await application.run()
                } onGracefulShutdown: {
                    dashboard.feed.end()
                }
            }
        } catch let error as IOError {
            throw AdminConfiguration.Fault.cannotListen(
                address: "\(configuration.host):\(configuration.port)", reason: "\(error)")
        }
    }

    private func router() -> Router<AdminContext> {
        let router = routes.router()
        dashboard.add(to: router)
        return router
    }
}
