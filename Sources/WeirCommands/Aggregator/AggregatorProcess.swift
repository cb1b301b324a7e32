import Foundation
import Logging
import NIOPosix
import ServiceLifecycle
import UnixSignals
import WeirAdmin
import WeirAggregator
import WeirCore
import WeirEnforcer
import WeirLedger
import WeirProviders
import WeirRedis
import WeirTelemetry

/// The aggregator and its admin API in one process, until a signal ends them.
package struct AggregatorProcess: Sendable {
    package struct Settings: Sendable {
        var address: ListenAddress
        var redis: RedisConfiguration
        var ledger: LedgerURL
        var admin: AdminConfiguration
        /// Applied if the ledger has none.
        var firstPolicy: FirstPolicy?
        /// Signs alerts; nil: they are not signed.
        var alertSecret: String?
        var name: String
        var logLevel: Logger.Level
    }

    struct FirstPolicy: Sendable {
        let policy: Policy
        let yaml: String
        let name: String
    }

    let settings: Settings
    /// What `/metrics` shows.
    var metrics = MetricsRegistry(MetricCatalogue.aggregator)

    /// Returns after a signal, when everything has ended.
    /// - Parameter onReady: told the admin API's address when it serves.
    func run(onReady: @escaping @Sendable (String) -> Void) async throws {
        let logger = Logger(label: "weir.aggregator")
        let ledger = try settings.ledger.open()
        let group = MultiThreadedEventLoopGroup.singleton
        let pool = RedisPool(
            configuration: settings.redis, group: group, logger: logger, metrics: RedisMetrics(metrics))
        do {
            try await applyFirstPolicy(to: ledger, logger: logger)
            try await warnOfUnpricedModels(ledger, logger: logger)
            pool.start()
            // Only so that a start beside a healthy Redis is quiet: without Redis it starts all the same, and says so.
            try? await pool.waitUntilReady(timeout: .seconds(1))
            try await serve(
                ledger: ledger, pool: pool, group: group, logger: logger, onReady: onReady)
        } catch {
            await pool.close()
            // What went wrong first is what is told.
            try? await ledger.close()
            throw error
        }
        await pool.close()
        try await ledger.close()
    }

    private func serve(
        ledger: any AdminLedger, pool: RedisPool, group: MultiThreadedEventLoopGroup, logger: Logger,
        onReady: @escaping @Sendable (String) -> Void
    ) async throws {
        var configured = AggregatorConfiguration(name: settings.name)
        #if DEBUG
            if Setting.crashAt.value(nil) == CrashPoint.afterCommit.rawValue {
                configured.onCommit = { CrashPoint.die() }
            }
        #endif
        configured.metrics = metrics
        configured.prices = try .shipped()
        configured.alertSecret = settings.alertSecret.map { Array($0.utf8) }
        configured.post = { body, url, headers in try await OutgoingPost.send(body, to: url, headers: headers) }
        let aggregator = Aggregator(configuration: configured, pool: pool, ledger: ledger, logger: logger)
        let admin = try await AdminServer(
            configuration: settings.admin, ledger: ledger, redis: pool, prices: try .shipped(), group: group,
            logger: logger,
            nowMs: nowMs,
            unreadyReason: { await aggregator.unreadyReason }, metrics: { await aggregator.metricsText() })
        let host = settings.admin.host
        // They end in the opposite order: first nobody asks any more, then what is in hand is written.
        var configuration = ServiceGroupConfiguration(
            services: [
                .init(service: AggregatorService(aggregator: aggregator)),
                .init(
                    service: AdminService(admin: admin) { port in
                        onReady("http://\(host.contains(":") ? "[\(host)]" : host):\(port)")
                    }),
            ], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(20)
        try await ServiceGroup(configuration: configuration).run()
    }

    /// Says which models can be asked for and have no price; the gateways say so of the policy whenever it changes.
    private func warnOfUnpricedModels(_ ledger: any LedgerStore, logger: Logger) async throws {
        let policy = try await ledger.currentPolicy()?.policy
        let keys = try await ledger.keys(team: nil).map(\.record).filter(\.isActive)
        let table = try PriceHistory.shipped().adding(try await ledger.addedPrices())
            .table(on: UTCDay(containingMs: nowMs()))
        let unpriced = table.unpriced((policy?.namedModels ?? []) + keys.flatMap(\.models))
        guard !unpriced.isEmpty else { return }
        logger.warning(
            "models that policy or keys name have no price; weir prices add FILE gives them one",
            metadata: ["models": "\(unpriced.joined(separator: " "))"])
    }

    private func applyFirstPolicy(to ledger: any LedgerStore, logger: Logger) async throws {
        guard let first = settings.firstPolicy, try await ledger.currentPolicy() == nil else { return }
        let entry = AuditEntry(atMs: nowMs(), actor: "aggregator", action: "policy.apply", subject: "policy")
        let applied = try await ledger.appendPolicy(
            first.policy, yaml: first.yaml, note: "from \(first.name) at the first start", audit: entry)
        logger.notice("applied \(first.name) as version \(applied.version)")
    }
}

private func nowMs() -> Int { Int(Date().timeIntervalSince1970 * 1000) }

/// The aggregator's steps, until shutdown.
private struct AggregatorService: Service, CustomStringConvertible {
    var description: String { "AggregatorService" }
    let aggregator: Aggregator

    func run() async throws { try await cancelWhenGracefulShutdown { try await aggregator.run() } }
}

/// The admin API, until shutdown.
private struct AdminService: Service, CustomStringConvertible {
    var description: String { "AdminService" }
    let admin: AdminServer
    let onListening: @Sendable (Int) -> Void

    func run() async throws { try await admin.run { port in onListening(port) } }
}
