import NIOCore
import NIOPosix
import NIOSSL

/// Makes network connections as a configuration says: TCP or unix socket, with TLS or without.
enum RedisTransport {
    /// Connects and adds `session` to the channel. TLS and login come after that.
    static func connect(
        _ configuration: RedisConfiguration, session: RedisSession, loop: NIOIsolatedEventLoop
    ) -> EventLoopFuture<any Channel>.Isolated {
        let tls: NIOSSLClientHandler?
        do {
            tls = try tlsHandler(configuration)
        } catch {
            return loop.makeFailedFuture(error).assumeIsolated()
        }
        let bootstrap = ClientBootstrap(group: loop.nonisolated())
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelOption(.socketOption(.so_keepalive), value: 1)
        let connected =
            switch configuration.address {
            case .tcp(let host, let port): bootstrap.connect(host: host, port: port)
            case .unixSocket(let path): bootstrap.connect(unixDomainSocketPath: path)
            }
        // Not in the bootstrap's initializer: that runs once for each address a name resolves to.
        return connected.assumeIsolated().flatMapThrowing { channel in
            if let tls { try channel.pipeline.syncOperations.addHandler(tls) }
            try channel.pipeline.syncOperations.addHandler(session)
            return channel
        }
    }

    private static func tlsHandler(_ configuration: RedisConfiguration) throws -> NIOSSLClientHandler? {
        guard let tls = configuration.tls else { return nil }
        var settings = TLSConfiguration.makeClientConfiguration()
        if let file = tls.caFile {
            settings.trustRoots = .certificates(try reading(file) { try NIOSSLCertificate.fromPEMFile(file) })
        }
        if let file = tls.certificateFile, let key = tls.keyFile {
            settings.certificateChain = try reading(file) {
                try NIOSSLCertificate.fromPEMFile(file).map { .certificate($0) }
            }
            settings.privateKey = .privateKey(try reading(key) { try NIOSSLPrivateKey(file: key, format: .pem) })
        }
        if tls.isInsecure { settings.certificateVerification = .none }
        var name: String?
        if case .tcp(let host, _) = configuration.address, !isIPAddress(host) { name = host }
        return try NIOSSLClientHandler(context: NIOSSLContext(configuration: settings), serverHostname: name)
    }

    /// Says which file it was. Read at each connect, so that a renewed certificate is taken up.
    private static func reading<Content>(_ file: String, _ body: () throws -> Content) throws(RedisError) -> Content {
        do {
            return try body()
        } catch {
            throw .configuration("TLS: no usable PEM file at \(file): \(error)")
        }
    }

    /// An IP address is not sent as a server name; the certificate is then held against the address itself.
    private static func isIPAddress(_ host: String) -> Bool {
        (try? SocketAddress(ipAddress: host, port: 0)) != nil
    }

    /// What a failure of the network or of TLS means for those who wait.
    static func error(_ error: any Error) -> RedisError {
        switch error {
        case let error as RedisError: error
        case NIOSSLError.uncleanShutdown: .disconnected(reason: "the server closed the connection")
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError, is SocketAddressError:
            .configuration("TLS or address: \(error)")
        case is ChannelError, is NIOConnectionError: .disconnected(reason: "cannot connect: \(error)")
        default: .disconnected(reason: "\(error)")
        }
    }
}
