import Foundation
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals
import WeirEnforcer
import WeirGateway
import WeirProviders
import WeirRedis
import WeirTelemetry

/// A gateway node in one process, until a signal ends it.
struct GatewayProcess: Sendable {
    struct Settings: Sendable {
        var gateway: GatewayConfiguration
        var redis: RedisConfiguration
        /// How long a reservation outlives a node that is gone.
        var lease: Duration
        /// The directory of the outbox; nil: there is none.
        var outbox: String?
        var outboxLimitBytes = Outbox.standardLimitBytes
        /// Where spans go; nil: calls are not traced.
        var otlpEndpoint: OTLPEndpoint?
        var threads: Int
        var logLevel: Logger.Level
    }

    let settings: Settings
    /// What `/metrics` shows.
    var metrics = MetricsRegistry(MetricCatalogue.gateway)

    /// Returns after a signal, when every call has been charged.
    /// - Parameter onReady: told the two addresses, clients' and operations', when the node may serve.
    func run(onReady: @escaping @Sendable (String, String) -> Void) async throws {
        let logger = Logger(label: "weir.gateway")
        let most = settings.gateway.limits.connections
        if let files = OpenFiles.raiseBound(), files < 2 * most {
            logger.warning(
                "fewer files may be open than connections are admitted; raise the bound (ulimit -n, LimitNOFILE)",
                metadata: ["files": "\(files)", "connections": "\(most)", "wanted": "\(2 * most)"])
        }
        let outbox = try outbox(logger)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: settings.threads)
        let pool = RedisPool(
            configuration: settings.redis, group: group, logger: logger, metrics: RedisMetrics(metrics))
        var configured = Enforcer.Configuration(lease: settings.lease, prices: try .shipped())
        #if DEBUG
            configured.crashPoint = Setting.crashAt.value(nil).flatMap { CrashPoint(rawValue: $0) }
        #endif
        let enforcer = Enforcer(
            configuration: configured, redis: settings.redis, pool: pool, group: group, outbox: outbox, logger: logger)
        let exporter = settings.otlpEndpoint.map { $0.exporter(service: "weir.gateway", metrics, logger) }
        let gateway = try Gateway(
            configuration: settings.gateway, enforcer: enforcer, group: group, logger: logger, metrics: metrics,
            tracer: exporter.map(OTLPTracer.init))
        // It listens at once, and answers 503 until the engine is ready.
        let addresses = try await gateway.start()
        let url = "http://\(Self.text(addresses.listen))"
        let operations = addresses.operations.map { "http://\(Self.text($0))" } ?? ""
        // They end in the opposite order: first the calls, then the engine they are charged by.
        let exporting = exporter.map {
            [ServiceGroupConfiguration.ServiceConfiguration(service: ExportService(exporter: $0))]
        }
        var configuration = ServiceGroupConfiguration(
            services: (exporting ?? []) + [
                .init(service: EngineService(enforcer: enforcer) { onReady(url, operations) }),
                .init(service: NodePresence(pool: pool, enforcer: enforcer, address: url)),
                .init(service: EdgeService(gateway: gateway, drain: .seconds(30), logger: logger)),
            ], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(45)
        let result = await Result { try await ServiceGroup(configuration: configuration).run() }
        await pool.close()
        // The loops end with the process: what a library still has to do on them may be done until then.
        try result.get()
    }

    private func outbox(_ logger: Logger) throws(OutboxError) -> Outbox? {
        guard let directory = settings.outbox else {
            logger.notice(
                "no outbox: calls that the ledger does not have yet are lost with Redis; give this node --outbox DIRECTORY"
            )
            return nil
        }
        return try Outbox(directory: directory, limitBytes: settings.outboxLimitBytes, logger: logger)
    }

    private static func text(_ address: SocketAddress) -> String {
        let host = address.ipAddress ?? "localhost"
        return "\(host.contains(":") ? "[\(host)]" : host):\(address.port ?? 0)"
    }
}

/// Spans on their way to the collector, until shutdown.
private struct ExportService: Service, CustomStringConvertible {
    var description: String { "ExportService" }
    let exporter: SpanExporter

    func run() async throws { await cancelWhenGracefulShutdown { await exporter.run() } }
}

/// The decision engine, until shutdown.
private struct EngineService: Service, CustomStringConvertible {
    var description: String { "EngineService" }
    let enforcer: Enforcer
    let onReady: @Sendable () -> Void

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            do throws(EnforcerError) {
                try await enforcer.start()
            } catch .degraded {
                return  // shut down before Redis came
            }
            onReady()
            // Until shutdown cancels it.
            try? await Task.sleep(for: .seconds(1_000_000_000))
        }
        await enforcer.stop()
    }
}

/// The HTTP edge, until shutdown.
private struct EdgeService: Service, CustomStringConvertible {
    var description: String { "EdgeService" }
    let gateway: Gateway
    let drain: Duration
    let logger: Logger

    func run() async throws {
        try? await gracefulShutdown()
        // Who asks a second time does not want to wait for the calls that are running.
        let again = Task {
            await untilSignalled()
            if !Task.isCancelled { gateway.cutShort() }
        }
        let unsettled = await gateway.stop(deadline: .now + drain)
        again.cancel()
        if unsettled > 0 {
            logger.error(
                "settlements did not reach Redis; the outbox has them, or their leases will run out",
                metadata: ["count": "\(unsettled)"])
        }
    }
}

extension Result where Failure == any Error {
    init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
