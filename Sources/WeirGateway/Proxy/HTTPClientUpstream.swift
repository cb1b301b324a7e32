import AsyncHTTPClient
import Logging
import NIOCore
import NIOHTTP1
import WeirCore

/// ``Upstream`` by AsyncHTTPClient's delegate API: one client per event loop, so that a call never leaves its loop.
final class HTTPClientUpstream: Upstream {
    private let client: HTTPClient
    private let loop: any EventLoop
    /// Requests by target: parsing a URL costs more than the rest of sending it. Targets are few, and capped in case
    /// somebody varies the query.
    private var templates: [Template: HTTPClient.Request] = [:]

    private struct Template: Hashable {
        let base: ProviderBase
        let target: String
        let isPost: Bool
    }

    init(loop: any EventLoop, deadlines: GatewayConfiguration.Deadlines, connections: Int) {
        self.loop = loop
        var configuration = HTTPClient.Configuration()
        // A redirect would carry the operator's key to wherever it points.
        configuration.redirectConfiguration = .disallow
        // Bytes pass as they are; a compressed answer was not asked for.
        configuration.decompression = .disabled
        configuration.httpVersion = .http1Only
        // Silence is measured by the call itself, which knows whether the client or the provider is the slow one.
        configuration.timeout = .init(connect: TimeAmount(deadlines.connect))
        var pool = HTTPClient.Configuration.ConnectionPool(
            idleTimeout: TimeAmount(deadlines.providerConnectionIdle),
            // Each client may have a call; the gateway's own limit on connections is the bound.
            concurrentHTTP1ConnectionsPerHostSoftLimit: connections)
        // Otherwise a refused connection is tried again and again until the connect deadline.
        pool.retryConnectionEstablishment = false
        configuration.connectionPool = pool
        // Spans that nobody collects would still be filled in for every call.
        configuration.tracing.tracer = nil
        configuration.http1_1ConnectionDebugInitializer = { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(FlushOncePerTick(), position: .first)
            }
        }
        client = HTTPClient(eventLoopGroupProvider: .shared(loop), configuration: configuration)
    }

    func start(_ request: UpstreamRequest, to receiver: any UpstreamReceiver) -> any UpstreamExchange {
        let delegate = HTTPClientExchange(receiver: receiver, loop: loop)
        do {
            var outgoing = try template(for: request)
            outgoing.headers = request.headers
            outgoing.body = request.body.map { .byteBuffer($0) }
            delegate.begin(client.execute(request: outgoing, delegate: delegate))
        } catch {
            delegate.refuse(error)
        }
        return delegate
    }

    private func template(for request: UpstreamRequest) throws -> HTTPClient.Request {
        let key = Template(base: request.base, target: request.target, isPost: request.method == .POST)
        if let template = templates[key] { return template }
        let template = try HTTPClient.Request(url: request.base.url + request.target, method: request.method)
        if templates.count < 128 { templates[key] = template }
        return template
    }

    func stop() async {
        do {
            try await client.shutdown()
        } catch {
            // Shut down before, or with calls that were just cancelled: either way it is gone.
            Logger(label: "weir.gateway").debug("upstream client: \(error)")
        }
    }
}

/// One call of ``HTTPClientUpstream``.
///
/// `@unchecked Sendable`, which the library demands of delegates: its state is touched on `loop` alone. The library
/// calls a delegate on the task's event loop, which is the client's only one; ``cancel()`` is called by the call on
/// that loop; each entry checks it in debug builds.
private final class HTTPClientExchange: HTTPClientResponseDelegate, UpstreamExchange, @unchecked Sendable {
    typealias Response = Void

    private let loop: any EventLoop
    private var receiver: (any UpstreamReceiver)?
    private var task: HTTPClient.Task<Void>?

    init(receiver: any UpstreamReceiver, loop: any EventLoop) {
        self.receiver = receiver
        self.loop = loop
    }

    func begin(_ task: HTTPClient.Task<Void>) {
        if receiver == nil { task.cancel() } else { self.task = task }
    }

    /// Tells of an error after `start` has returned.
    func refuse(_ error: any Error) {
        loop.assumeIsolated().execute { self.finish { $0.upstreamFailed(error) } }
    }

    func cancel() {
        loop.assertInEventLoop()
        receiver = nil
        task?.cancel()
        task = nil
    }

    func didSendRequestHead(task: HTTPClient.Task<Void>, _ head: HTTPRequestHead) {
        loop.assertInEventLoop()
        receiver?.upstreamSent()
    }

    func didReceiveHead(task: HTTPClient.Task<Void>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        loop.assertInEventLoop()
        return receiver?.upstreamHead(head) ?? loop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<Void>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        loop.assertInEventLoop()
        return receiver?.upstreamBody(buffer) ?? loop.makeSucceededVoidFuture()
    }

    func didFinishRequest(task: HTTPClient.Task<Void>) throws {
        loop.assertInEventLoop()
        finish { $0.upstreamEnded() }
    }

    func didReceiveError(task: HTTPClient.Task<Void>, _ error: any Error) {
        loop.assertInEventLoop()
        finish { $0.upstreamFailed(error) }
    }

    private func finish(_ tell: (any UpstreamReceiver) -> Void) {
        guard let receiver else { return }
        self.receiver = nil
        task = nil
        tell(receiver)
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
