import ArgumentParser
import CoreMetrics
import Foundation
import Logging
import WeirCore
import WeirGateway
import WeirRedis

/// `weir gateway`.
struct GatewayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway",
        abstract: "Serves clients: identifies, admits, forwards and charges their calls.",
        discussion: """
            Speaks the APIs of Anthropic, OpenAI and Gemini under their own paths (/v1/messages, /v1/chat/completions, \
            /v1beta/models/…) and the same under /PRODUCT. Any number of nodes share one Redis. What a node keeps of its own is its \
            outbox: what it has settled, until the ledger has it, so that losing Redis loses no finished call.

            When it may serve it prints one line, "weir gateway ready: URL ops URL", on stdout; it logs to stderr. SIGTERM \
            and SIGINT let running calls end for 30 s, charge what is cut then, and end it with exit code 0; a second one \
            cuts them at once.

              export WEIR_ANTHROPIC_KEY=sk-ant-…
              weir gateway --listen 0.0.0.0:8080 --redis redis://redis.internal:6379 --outbox /var/lib/weir/outbox

            The providers' keys come from WEIR_ANTHROPIC_KEY, WEIR_OPENAI_KEY and WEIR_GEMINI_KEY or from files, never \
            from an argument. A product with an upstream of its own takes the key that its policy names by key_env: \
            WEIR_UPSTREAM_NAME, or WEIR_UPSTREAM_NAME_FILE for a file with it.
            """)

    @Option(help: Setting.gatewayListen.help("Where clients come in; port 0 takes any free one."))
    var listen: String?

    @Option(help: Setting.gatewayOperations.help("Where /healthz, /readyz and /metrics are answered."))
    var ops: String?

    @OptionGroup var redis: RedisOptions

    @Option(help: Setting.anthropicURL.help("Anthropic's API, or what stands in for it."))
    var anthropicUrl: String?

    @Option(help: Setting.openAIURL.help("OpenAI's API, or what stands in for it."))
    var openaiUrl: String?

    @Option(help: Setting.geminiURL.help("Gemini's API, or what stands in for it."))
    var geminiUrl: String?

    @Option(
        help: Setting.anthropicKeyFile.help("A file with Anthropic's key. WEIR_ANTHROPIC_KEY may hold the key itself."))
    var anthropicKeyFile: String?

    @Option(help: Setting.openAIKeyFile.help("A file with OpenAI's key. WEIR_OPENAI_KEY may hold the key itself."))
    var openaiKeyFile: String?

    @Option(help: Setting.geminiKeyFile.help("A file with Gemini's key. WEIR_GEMINI_KEY may hold the key itself."))
    var geminiKeyFile: String?

    @Option(
        help: Setting.redisDeadline.help(
            "How long a call waits for one answer of Redis, in milliseconds; then the policy's outage decides."))
    var redisDeadlineMs: String?

    @Option(
        help: Setting.lease.help(
            "How long a call's reservation outlives a node that is gone; renewed at a third of it while the call lives."
        ))
    var lease: String?

    @Option(
        help: Setting.outbox.help(
            "A directory of this node's own, mode 700, made if it is not there, for what the ledger does not have yet; without it that lives in Redis alone."
        ))
    var outbox: String?

    @Option(help: Setting.outboxLimit.help("What the outbox may hold; when it is full nothing new is admitted."))
    var outboxLimit: String?

    @Option(
        help: Setting.trustedProxies.help(
            "The proxies before this node whose X-Forwarded-For is believed: networks or addresses, separated by commas, as 10.0.0.0/8,::1/128."
        ))
    var trustedProxies: String?

    @Option(
        help: Setting.otlpEndpoint.help(
            "Where spans go, a collector that takes OTLP over HTTP as JSON, such as http://127.0.0.1:4318; without it calls are not traced."
        ))
    var otlpEndpoint: String?

    @Option(help: Setting.threads.help("Event loops; 0: one per core."))
    var threads: String?

    @Option(help: Setting.logLevel.help("trace, debug, info, notice, warning, error or critical."))
    var logLevel: String?

    @Flag(help: #"Say it as JSON when it may serve: {"ops":URL,"url":URL}."#)
    var json = false

    func run() async throws {
        do {
            let settings = try settings()
            LoggingSystem.bootstrap(level: settings.logLevel)
            let process = GatewayProcess(settings: settings)
            // Once per process, so that what libraries measure is shown, too.
            MetricsSystem.bootstrap(process.metrics)
            try await process.run { [json] url, ops in
                say(json ? ReadyLine.json(["url": url, "ops": ops]) : "weir gateway ready: \(url) ops \(ops)")
            }
        } catch {
            throw failure(error)
        }
    }

    /// Everything the process needs, checked.
    func settings() throws -> GatewayProcess.Settings {
        let listen = try ListenAddress(Setting.gatewayListen.value(listen) ?? "")
        let operations = try ListenAddress(Setting.gatewayOperations.value(ops) ?? "")
        let threadsText = Setting.threads.value(threads) ?? ""
        guard let threads = Int(threadsText), (0...1024).contains(threads) else {
            throw SettingError(description: "\(threadsText) is not a number of threads; use 0 for one per core")
        }
        let leaseText = Setting.lease.value(lease) ?? ""
        guard let lease = Span(argument: leaseText), lease.seconds <= 3600 else {
            throw SettingError(description: "\(leaseText) is not a lease; use 1s to 1h, such as 30s")
        }
        let deadlineText = Setting.redisDeadline.value(redisDeadlineMs) ?? ""
        guard let deadlineMs = Int(deadlineText), (1...60_000).contains(deadlineMs) else {
            throw SettingError(description: "\(deadlineText) is not a deadline; use 1 to 60000 milliseconds")
        }
        var redisConfiguration = try redis.configuration()
        redisConfiguration.commandDeadline = .milliseconds(deadlineMs)
        var gateway = GatewayConfiguration(
            listen: .init(host: listen.host, port: listen.port),
            operations: .init(host: operations.host, port: operations.port),
            anthropic: .init(
                url: Setting.anthropicURL.value(anthropicUrl) ?? "",
                key: try Setting.anthropicKey.secret(file: Setting.anthropicKeyFile.value(anthropicKeyFile))),
            openAI: .init(
                url: Setting.openAIURL.value(openaiUrl) ?? "",
                key: try Setting.openAIKey.secret(file: Setting.openAIKeyFile.value(openaiKeyFile))),
            gemini: .init(
                url: Setting.geminiURL.value(geminiUrl) ?? "",
                key: try Setting.geminiKey.secret(file: Setting.geminiKeyFile.value(geminiKeyFile))))
        gateway.upstreamKeys = try Setting.upstreamKeys()
        do throws(TrustedProxies.Problem) {
            gateway.trustedProxies = try TrustedProxies(Setting.trustedProxies.value(trustedProxies) ?? "")
        } catch {
            throw SettingError(description: "--trusted-proxies: \(error.description)")
        }
        let limitText = Setting.outboxLimit.value(outboxLimit) ?? ""
        guard let limit = ByteCount(argument: limitText) else {
            throw SettingError(description: "\(limitText) is not a size for the outbox; use such as 500MB or 2GB")
        }
        return GatewayProcess.Settings(
            gateway: gateway, redis: redisConfiguration,
            lease: .seconds(lease.seconds), outbox: Setting.outbox.value(outbox), outboxLimitBytes: limit.bytes,
            otlpEndpoint: try Setting.otlpEndpoint.value(otlpEndpoint).map(OTLPEndpoint.init),
            threads: threads == 0 ? ProcessInfo.processInfo.activeProcessorCount : threads,
            logLevel: try Setting.level(logLevel))
    }
}

extension Setting {
    /// A provider's key: from the file if one is named, else from the environment; nil: none.
    func secret(file: String?) throws(SettingError) -> Secret? {
        guard let text = try Setting.text(file: file, what: flag) ?? value(nil) else { return nil }
        guard let secret = Secret(text) else {
            throw .notForHeader(variable)
        }
        return secret
    }
}
