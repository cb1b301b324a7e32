import ArgumentParser
import CoreMetrics
import Foundation
import Glibc
import Logging
import WeirAdmin
import WeirCore
import WeirLedger
import WeirRedis

/// `weir aggregator`.
struct AggregatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "aggregator",
        abstract: "Keeps the ledger, evaluates limits and serves the admin API.",
        discussion: """
            Writes usage events to the ledger exactly once, sums them up by UTC day, sets the limited set and the kill \
            switch, and publishes policy and keys to the nodes. Any number may run: all ingest, one leads.

            When it serves it prints one line, "weir aggregator ready: URL", on stdout; it logs to stderr. SIGTERM and \
            SIGINT end it in good order, with exit code 0.

              weir aggregator --ledger sqlite:weir.db --policy deploy/policy.yaml

            Beyond 127.0.0.1 it needs a token of at least 16 characters in WEIR_ADMIN_TOKEN or --admin-token-file, or one \
            in the ledger (weir admin-token create --ledger).
            """)

    @Option(help: Setting.aggregatorListen.help("Where the admin API listens; port 0 takes any free one."))
    var listen: String?

    @OptionGroup var redis: RedisOptions

    @Option(help: Setting.ledger.help("The ledger, sqlite:PATH."))
    var ledger: String?

    @Option(help: Setting.policyFile.help("A policy file that is applied if the ledger has none yet."))
    var policy: String?

    @Option(
        help: Setting.name.help("This process's name, unique and the same after a restart; the host's name without it.")
    )
    var name: String?

    @Option(
        help: Setting.adminTokenFile.help("A file with the admin token. WEIR_ADMIN_TOKEN may hold the token itself."))
    var adminTokenFile: String?

    @Option(
        help: Setting.alertSecretFile.help(
            "A file with the secret that alerts to the webhook are signed with. WEIR_ALERT_SECRET may hold it itself."))
    var alertSecretFile: String?

    @Option(
        name: .customLong("admin-host"),
        help: "A name, besides its own, under which the listener answers, such as weir.internal; may be repeated.")
    var adminHosts: [String] = []

    @Option(
        help: Setting.trustedProxies.help(
            "Networks of proxies whose X-Forwarded-For says where an operator is: 10.0.0.0/8,::1/128."))
    var trustedProxies: String?

    @Option(help: Setting.logLevel.help("trace, debug, info, notice, warning, error or critical."))
    var logLevel: String?

    @Flag(help: #"Say it as JSON when it serves: {"url":URL}."#)
    var json = false

    func run() async throws {
        do {
            let settings = try settings()
            LoggingSystem.bootstrap(level: settings.logLevel)
            // A file that may not grow is a failing disk like any other: an error of the write, which says what it is.
            signal(SIGXFSZ, SIG_IGN)
            let process = AggregatorProcess(settings: settings)
            // Once per process, so that what libraries measure is shown, too.
            MetricsSystem.bootstrap(process.metrics)
            try await process.run { [json] url in
                say(json ? ReadyLine.json(["url": url]) : "weir aggregator ready: \(url)")
            }
        } catch {
            throw failure(error)
        }
    }

    /// Everything the process needs, checked.
    func settings() throws -> AggregatorProcess.Settings {
        let address = try ListenAddress(Setting.aggregatorListen.value(listen) ?? "")
        var admin = AdminConfiguration(
            host: address.host, port: address.port, token: try AdminOptions.token(file: adminTokenFile))
        admin.hosts = adminHosts
        admin.machineName = ProcessInfo.processInfo.hostName
        do { admin.trustedProxies = try TrustedProxies(Setting.trustedProxies.value(trustedProxies) ?? "") } catch {
            throw SettingError(description: "--trusted-proxies: \(error.description)")
        }
        let path = Setting.policyFile.value(policy)
        return AggregatorProcess.Settings(
            address: address, redis: try redis.configuration(),
            ledger: try LedgerURL(Setting.ledger.value(ledger) ?? ""), admin: admin,
            firstPolicy: try path.map(Self.readPolicy),
            alertSecret: try Setting.text(
                file: Setting.alertSecretFile.value(alertSecretFile), what: Setting.alertSecret.flag)
                ?? Setting.alertSecret.value(nil),
            name: try processName(), logLevel: try Setting.level(logLevel))
    }

    /// The name given, else the host's if it can be one.
    private func processName() throws(SettingError) -> String {
        guard let name = Setting.name.value(name) else {
            let host = ProcessInfo.processInfo.hostName
            return Subject.isValidID(host) ? host : "aggregator"
        }
        guard Subject.isValidID(name) else {
            throw SettingError(description: "--name: use 1 to 128 of A-Z a-z 0-9 . _ @ : and -")
        }
        return name
    }

    private static func readPolicy(_ path: String) throws -> AggregatorProcess.FirstPolicy {
        let source = try PolicySource.parse([path])
        let yaml = try PolicyFile.resolved(
            text: source.text(), name: source.name, environment: Setting.environment)
        return AggregatorProcess.FirstPolicy(
            policy: try PolicyFile.read(text: yaml, name: source.name), yaml: yaml, name: source.name)
    }
}
