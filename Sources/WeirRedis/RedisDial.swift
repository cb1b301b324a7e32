import NIOCore

/// One attempt to get a connection that is logged in, in its database and answering.
///
/// Lives on the loop. Says its result once, at the latest when `connectTimeout` is over.
final class RedisDial {
    private let configuration: RedisConfiguration
    private let loop: NIOIsolatedEventLoop
    /// How long to listen before the login. A full server says so and hangs up as soon as we come; what we have sent
    /// by then makes the network throw that away, and all we see is a reset.
    private let listenFirst: TimeAmount
    private var result: ((Result<RedisSession, RedisError>) -> Void)?
    private var timeout: Scheduled<Void>?
    private var session: RedisSession?

    init(
        _ configuration: RedisConfiguration, loop: NIOIsolatedEventLoop, listenFirst: TimeAmount = .zero,
        result: @escaping (Result<RedisSession, RedisError>) -> Void
    ) {
        self.configuration = configuration
        self.loop = loop
        self.listenFirst = listenFirst
        self.result = result
    }

    func start() {
        do throws(RedisError) {
            let session = try RedisSession(configuration: configuration, loop: loop)
            self.session = session
            timeout = loop.scheduleTask(in: TimeAmount(configuration.connectTimeout)) {
                self.finish(.failure(.unavailable(reason: "no answer to the login in time")))
            }
            session.onEnd = { self.finish(.failure($0)) }
            RedisTransport.connect(configuration, session: session, loop: loop).whenComplete { outcome in
                switch outcome {
                case .success(let channel): self.connected(channel, session)
                case .failure(let error): self.finish(.failure(Self.unreachable(RedisTransport.error(error))))
                }
            }
        } catch {
            finish(.failure(error))
        }
    }

    func cancel() { finish(.failure(.unavailable(reason: "closed"))) }

    private func connected(_ channel: any Channel, _ session: RedisSession) {
        guard result != nil else { return channel.close(promise: nil) }
        guard listenFirst > .zero else { return logIn(session) }
        _ = loop.scheduleTask(in: listenFirst) {
            if self.result != nil { self.logIn(session) }
        }
    }

    /// Nothing was sent to a server that could not be reached.
    private static func unreachable(_ error: RedisError) -> RedisError {
        if case .disconnected(let reason) = error { .unavailable(reason: reason) } else { error }
    }

    /// All in one write; the first refusal counts, and PING shows that the server serves (LOADING, NOAUTH).
    private func logIn(_ session: RedisSession) {
        var commands: [[RedisArgument]] = []
        if let password = configuration.password {
            commands.append(["AUTH"] + (configuration.username.map { [.string($0)] } ?? []) + [.string(password)])
        }
        if configuration.database != 0 { commands.append(["SELECT", .int(configuration.database)]) }
        for command in commands {
            session.enqueue(command, timeout: configuration.connectTimeout) { outcome in
                if case .failure(let error) = outcome { self.finish(.failure(error)) }
            }
        }
        // Only a name for `CLIENT LIST`: a server that does not allow it is as good.
        session.enqueue(["CLIENT", "SETNAME", "weir"], timeout: configuration.connectTimeout) { _ in }
        session.enqueue(["PING"], timeout: configuration.connectTimeout) { outcome in
            self.finish(outcome.map { _ in session })
        }
    }

    private func finish(_ outcome: Result<RedisSession, RedisError>) {
        guard let result else { return }
        self.result = nil
        timeout?.cancel()
        session?.onEnd = nil
        if case .failure(let error) = outcome { session?.close(error) }
        session = nil
        result(outcome)
    }
}
