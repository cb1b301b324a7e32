import ArgumentParser
import Foundation
import Logging
import WeirTelemetry

/// A setting that may come from a flag or from the environment, and what it is without both. All are listed here.
struct Setting {
    let flag: String
    let variable: String
    let standard: String?

    static let adminURL = Setting(flag: "admin-url", variable: "WEIR_ADMIN_URL", standard: "http://127.0.0.1:8090")
    /// A secret: never a flag, since every user of the machine sees those.
    static let adminToken = Setting(flag: "admin-token-file", variable: "WEIR_ADMIN_TOKEN", standard: nil)
    static let adminTokenFile = Setting(flag: "admin-token-file", variable: "WEIR_ADMIN_TOKEN_FILE", standard: nil)
    static let aggregatorListen = Setting(flag: "listen", variable: "WEIR_LISTEN", standard: "127.0.0.1:8090")
    static let redis = Setting(flag: "redis", variable: "WEIR_REDIS_URL", standard: "redis://127.0.0.1:6379")
    static let redisPasswordFile = Setting(
        flag: "redis-password-file", variable: "WEIR_REDIS_PASSWORD_FILE", standard: nil)
    static let ledger = Setting(flag: "ledger", variable: "WEIR_LEDGER", standard: "sqlite:weir.db")
    static let policyFile = Setting(flag: "policy", variable: "WEIR_POLICY", standard: nil)
    static let name = Setting(flag: "name", variable: "WEIR_NAME", standard: nil)
    static let gatewayListen = Setting(flag: "listen", variable: "WEIR_LISTEN", standard: "127.0.0.1:8080")
    static let gatewayOperations = Setting(flag: "ops", variable: "WEIR_OPS", standard: "127.0.0.1:9080")
    static let simulatorListen = Setting(flag: "listen", variable: "WEIR_LISTEN", standard: "127.0.0.1:9000")
    static let anthropicURL = Setting(
        flag: "anthropic-url", variable: "WEIR_ANTHROPIC_URL", standard: "https://api.anthropic.com")
    static let openAIURL = Setting(flag: "openai-url", variable: "WEIR_OPENAI_URL", standard: "https://api.openai.com")
    static let geminiURL = Setting(
        flag: "gemini-url", variable: "WEIR_GEMINI_URL", standard: "https://generativelanguage.googleapis.com")
    static let anthropicKey = Setting(flag: "anthropic-key-file", variable: "WEIR_ANTHROPIC_KEY", standard: nil)
    static let anthropicKeyFile = Setting(
        flag: "anthropic-key-file", variable: "WEIR_ANTHROPIC_KEY_FILE", standard: nil)
    static let openAIKey = Setting(flag: "openai-key-file", variable: "WEIR_OPENAI_KEY", standard: nil)
    static let openAIKeyFile = Setting(flag: "openai-key-file", variable: "WEIR_OPENAI_KEY_FILE", standard: nil)
    static let geminiKey = Setting(flag: "gemini-key-file", variable: "WEIR_GEMINI_KEY", standard: nil)
    static let geminiKeyFile = Setting(flag: "gemini-key-file", variable: "WEIR_GEMINI_KEY_FILE", standard: nil)
    static let redisDeadline = Setting(flag: "redis-deadline-ms", variable: "WEIR_REDIS_DEADLINE_MS", standard: "100")
    static let lease = Setting(flag: "lease", variable: "WEIR_LEASE", standard: "30s")
    static let outbox = Setting(flag: "outbox", variable: "WEIR_OUTBOX", standard: nil)
    static let outboxLimit = Setting(flag: "outbox-limit", variable: "WEIR_OUTBOX_LIMIT", standard: "1GB")
    static let trustedProxies = Setting(flag: "trusted-proxies", variable: "WEIR_TRUSTED_PROXIES", standard: nil)
    static let threads = Setting(flag: "threads", variable: "WEIR_THREADS", standard: "0")
    /// The name that every program with OpenTelemetry knows it by.
    static let otlpEndpoint = Setting(
        flag: "otlp-endpoint", variable: "OTEL_EXPORTER_OTLP_ENDPOINT", standard: nil)
    static let alertSecret = Setting(flag: "alert-secret-file", variable: "WEIR_ALERT_SECRET", standard: nil)
    static let alertSecretFile = Setting(flag: "alert-secret-file", variable: "WEIR_ALERT_SECRET_FILE", standard: nil)
    static let probeURL = Setting(
        flag: "", variable: "WEIR_PROBE_URL", standard: "http://127.0.0.1:9080/healthz")
    static let logLevel = Setting(flag: "log-level", variable: "WEIR_LOG_LEVEL", standard: "notice")

    #if DEBUG
        /// Where a gateway under test kills itself; no flag.
        static let crashAt = Setting(flag: "", variable: "WEIR_CRASH_AT", standard: nil)
    #endif

    /// The environment; tests put another in its place.
    @TaskLocal static var environment = ProcessInfo.processInfo.environment

    /// The flag's value, else the variable's unless it is empty, else the standard.
    func value(_ flag: String?) -> String? {
        if let flag { return flag }
        if let value = Self.environment[variable], !value.isEmpty { return value }
        return standard
    }

    /// The text of a file that holds a secret, without the space around it; nil if none is named.
    static func text(file path: String?, what: String) throws(SettingError) -> String? {
        guard let path else { return nil }
        return try text(fileOf: "--" + what, at: path)
    }

    /// - Parameter name: the flag or variable that names the file, for errors.
    static func text(fileOf name: String, at path: String) throws(SettingError) -> String {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw SettingError(description: "\(name): cannot read \(path)")
        }
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty else { throw SettingError(description: "\(name): \(path) is empty") }
        return text
    }

    /// A log level, of a flag or of the environment.
    static func level(_ flag: String?) throws(SettingError) -> Logger.Level {
        let text = logLevel.value(flag) ?? ""
        guard let level = Logger.Level(rawValue: text) else {
            throw SettingError(description: "\(text) is not a log level; use notice, info or debug")
        }
        return level
    }

    /// A help text with the variable and the standard.
    func help(_ text: String) -> ArgumentHelp {
        ArgumentHelp(stringLiteral: text + " [\(variable)]" + (standard.map { " (default: \($0))" } ?? ""))
    }
}

/// A setting that cannot be used.
struct SettingError: Error, CustomStringConvertible {
    let description: String

    /// Of a credential that is none for a header; it is not shown.
    static func notForHeader(_ variable: String) -> SettingError {
        SettingError(
            description: "\(variable) cannot stand in a header: a key has only visible ASCII characters, and no spaces")
    }
}

extension LoggingSystem {
    /// Once per process: JSON lines on stderr, from `level` on.
    static func bootstrap(level: Logger.Level) {
        bootstrap { JSONLogHandler(label: $0, level: level) }
    }
}
