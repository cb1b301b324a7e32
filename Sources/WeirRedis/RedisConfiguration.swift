/// Where Redis is and how long to wait for it. Checked once, at start.
package struct RedisConfiguration: Sendable, Equatable {
    package enum Address: Sendable, Equatable {
        case tcp(host: String, port: Int)
        case unixSocket(path: String)
    }

    /// How the server is known to be the right one, and we to it. Files are PEM.
    package struct TLS: Sendable, Equatable {
        /// The authorities to trust; nil means those of the system.
        package var caFile: String?
        /// Our own certificate and its key, for servers with `tls-auth-clients yes`.
        package var certificateFile: String?
        package var keyFile: String?
        /// Accepts any certificate. Only when asked for by name: anyone on the path can then read and change all.
        package var isInsecure = false

        package init() {}
    }

    package var address: Address
    package var username: String?
    package var password: String?
    package var database = 0
    /// Nil means no TLS.
    package var tls: TLS?
    /// How long one command may wait for its reply. A decision is worth little later than that; a healthy Redis on the
    /// same network answers in well under a millisecond.
    package var commandDeadline: Duration = .milliseconds(100)
    /// For a connection to be made, TLS and login included.
    package var connectTimeout: Duration = .seconds(1)
    /// The most commands without a reply on one connection. One more is refused at once, so that a slow server costs
    /// a bounded amount of memory.
    package var maxWaiting = 8192
    /// So many commands in a row without a reply in time open the breaker.
    package var breakerTimeouts = 8

    /// A server without login, database 0.
    package init(address: Address) {
        self.address = address
    }

    /// How long the oldest command may be without a reply after its deadline before the connection is given up.
    package var stallLimit: Duration { commandDeadline * 4 }
}

extension RedisConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Says where, not with which password.
    package var description: String {
        let login = username ?? (password == nil ? nil : "default")
        let user = login.map { "\($0):***@" } ?? ""
        switch address {
        case .tcp(let host, let port):
            let host = host.contains(":") ? "[\(host)]" : host
            return "\(tls == nil ? "redis" : "rediss")://\(user)\(host):\(port)/\(database)"
        case .unixSocket(let path):
            return "unix://\(user)\(path)?db=\(database)"
        }
    }

    package var debugDescription: String { description }
    /// Keeps the password out of `dump` and of test failures.
    package var customMirror: Mirror { Mirror(self, children: ["url": description]) }
}
