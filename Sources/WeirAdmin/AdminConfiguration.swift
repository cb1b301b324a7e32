import Logging
import WeirCore

/// Where the admin API listens and who may use it. Checked once, at start.
package struct AdminConfiguration: Sendable {
    package var host: String
    /// 0: any free port.
    package var port: Int
    /// The first admin's token, besides those of the ledger. Without any, whoever reaches the listener may do everything:
    /// only on a loopback address.
    package var token: String?
    /// Names besides its own under which the listener answers: ``ListenerNames``.
    package var hosts: [String] = []
    /// What this machine calls itself.
    package var machineName = "localhost"
    /// The proxies whose `X-Forwarded-For` says where a request comes from.
    package var trustedProxies = TrustedProxies.none

    /// A policy of the largest size, and room for its form.
    package var largestBodyBytes = 524_288
    /// Connections at once; more wait in the kernel's queue.
    package var mostConnections = 256
    /// After so long without a byte a connection is closed.
    package var idleSeconds = 60

    package init(host: String = "127.0.0.1", port: Int = 8090, token: String? = nil) {
        self.host = host
        self.port = port
        self.token = token
    }

    package var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

    /// Why the API must not start like this.
    package enum Fault: Error, Equatable, CustomStringConvertible {
        case tokenMissing(host: String)
        case tokenTooShort(characters: Int)
        case cannotListen(address: String, reason: String)

        package var description: String {
            switch self {
            case .tokenMissing(let host):
                "\(host) is not a loopback address: set an admin token (WEIR_ADMIN_TOKEN or --admin-token-file), or make one "
                    + "in the ledger (weir admin-token create --ledger)"
            case .cannotListen(let address, let reason): "cannot listen on \(address): \(reason)"
            case .tokenTooShort(let characters):
                "the admin token has \(characters) characters; use at least \(AdminConfiguration.shortestToken), "
                    + "for example from: openssl rand -hex 24"
            }
        }
    }

    package static let shortestToken = 16

    /// - Parameter hasStoredTokens: whether the ledger has one that may be used.
    package func check(hasStoredTokens: Bool = false) throws(Fault) {
        guard let token else {
            guard isLoopback || hasStoredTokens else { throw .tokenMissing(host: host) }
            return
        }
        // An empty token is a mistake wherever it listens; a short one only matters to those who can reach it.
        if token.isEmpty || (!isLoopback && token.count < Self.shortestToken) {
            throw .tokenTooShort(characters: token.count)
        }
    }
}
