import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import WeirCore

/// ``Upstream`` on SwiftNIO: connections of HTTP/1.1 that are kept, of one event loop. A call takes the connection that
/// was used last, or a new one; there is no queue, because the bound on calls is the bound on clients.
final class ProviderConnections: Upstream {
    /// Why a call has not been sent.
    enum Problem: Error {
        case stopped
        case tls(String)
    }

    private let loop: NIOIsolatedEventLoop
    private let deadlines: GatewayConfiguration.Deadlines
    private let trustRoots: NIOSSLTrustRoots
    /// One for each address that was called; there are few, so looking through them is quicker than hashing.
    private var pools: [Pool] = []
    /// Made at the first use: reading the system's certificates takes a while.
    private var tls: NIOSSLContext?
    private var isStopped = false

    /// The idle connections to one address.
    private final class Pool {
        let base: ProviderBase
        /// The one that was used last at the end.
        var idle: [ProviderConnection] = []

        init(_ base: ProviderBase) { self.base = base }
    }

    /// - Parameter trustRoots: whose certificates are believed; the system's, except in tests.
    init(
        loop: any EventLoop, deadlines: GatewayConfiguration.Deadlines, trustRoots: NIOSSLTrustRoots = .default
    ) {
        self.loop = loop.assumeIsolated()
        self.deadlines = deadlines
        self.trustRoots = trustRoots
    }

    func start(_ request: UpstreamRequest, to receiver: any UpstreamReceiver) -> any UpstreamExchange {
        let exchange = ProviderExchange(request, receiver: receiver)
        if isStopped {
            loop.execute { exchange.fail(Problem.stopped) }
        } else {
            let pool = pool(of: request.base)
            while let connection = pool.idle.popLast() {
                guard connection.isUsable else { continue }
                connection.begin(exchange)
                return exchange
            }
            connect(for: exchange, to: pool)
        }
        return exchange
    }

    private func pool(of base: ProviderBase) -> Pool {
        if let pool = pools.first(where: { $0.base == base }) { return pool }
        let pool = Pool(base)
        pools.append(pool)
        return pool
    }

    /// A connection whose answer has been read to its end is free for the next call.
    private func keep(_ connection: ProviderConnection, in pool: Pool) {
        if isStopped { return connection.close() }
        connection.idleSince = .now()
        pool.idle.append(connection)
    }

    func check(now: NIODeadline) {
        let longest = TimeAmount(deadlines.providerConnectionIdle)
        for pool in pools {
            // The longest idle ones come first.
            let old = pool.idle.prefix { now - $0.idleSince > longest }
            if old.isEmpty { continue }
            pool.idle.removeFirst(old.count)
            for connection in old { connection.close() }
        }
    }

    func stop() {
        isStopped = true
        for pool in pools {
            for connection in pool.idle { connection.close() }
            pool.idle = []
        }
    }

    // MARK: Connecting

    private func connect(for exchange: ProviderExchange, to pool: Pool) {
        let base = pool.base
        let tlsHandler: NIOSSLClientHandler?
        do {
            tlsHandler = try base.isTLS ? makeTLS(base) : nil
        } catch {
            return loop.execute { exchange.fail(Problem.tls("\(error)")) }
        }
        ClientBootstrap(group: loop.nonisolated())
            .connectTimeout(TimeAmount(deadlines.connect))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connect(host: base.host, port: base.port)
            .assumeIsolated()
            .flatMapThrowing { channel in
                // Not in the bootstrap's initializer: that runs once for each address that a name resolves to.
                let codec = ProviderCodec(base: base)
                let connection = ProviderConnection(codec: codec) { [weak self, pool] in
                    self?.keep($0, in: pool) ?? $0.close()
                }
                let pipeline = channel.pipeline.syncOperations
                if let tlsHandler { try pipeline.addHandler(tlsHandler) }
                try pipeline.addHandler(codec)
                try pipeline.addHandler(ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes)))
                try pipeline.addHandler(connection)
                return connection
            }
            .whenComplete { (result: Result<ProviderConnection, any Error>) in
                switch result {
                case .success(let connection): connection.begin(exchange)
                case .failure(let error): exchange.fail(error)
                }
            }
    }

    private func makeTLS(_ base: ProviderBase) throws -> NIOSSLClientHandler {
        let context: NIOSSLContext
        if let tls {
            context = tls
        } else {
            var settings = TLSConfiguration.makeClientConfiguration()
            settings.applicationProtocols = ["http/1.1"]
            settings.trustRoots = trustRoots
            context = try NIOSSLContext(configuration: settings)
            tls = context
        }
        // An address is not sent as a server's name; the certificate is held against the address itself.
        let isAddress = (try? SocketAddress(ipAddress: base.host, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : base.host)
    }
}
