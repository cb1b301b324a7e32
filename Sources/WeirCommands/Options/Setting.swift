import ArgumentParser
import Foundation

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
    static let ledger = Setting(flag: "ledger", variable: "WEIR_LEDGER", standard: "sqlite:weir.db")
    static let policyFile = Setting(flag: "policy", variable: "WEIR_POLICY", standard: nil)
    static let name = Setting(flag: "name", variable: "WEIR_NAME", standard: nil)
    static let logLevel = Setting(flag: "log-level", variable: "WEIR_LOG_LEVEL", standard: "notice")

    /// The environment; tests put another in its place.
    @TaskLocal static var environment = ProcessInfo.processInfo.environment

    /// The flag's value, else the variable's unless it is empty, else the standard.
    func value(_ flag: String?) -> String? {
        if let flag { return flag }
        if let value = Self.environment[variable], !value.isEmpty { return value }
        return standard
    }

    /// A help text with the variable and the standard.
    func help(_ text: String) -> ArgumentHelp {
        ArgumentHelp(stringLiteral: text + " [\(variable)]" + (standard.map { " (default: \($0))" } ?? ""))
    }
}

/// A setting that cannot be used.
struct SettingError: Error, CustomStringConvertible {
    let description: String
}
