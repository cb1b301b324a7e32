import NIOCore

/// One attempt to get a connection that is logged in, in its database and answering.
///
/// Lives on the loop. Says its result once, at the latest when `connectTimeout` is over.
final class RedisDial {
    private let configuration: RedisConfiguration
    private let loop: NIOIsolatedEventLoop
    private var result: ((Result<RedisSession, RedisError>) -> Void)?
    private var timeout: Scheduled<Void>?
    private var session: RedisSession?

    init(
        _ configuration: RedisConfiguration, loop: NIOIsolatedEventLoop,
        result: @escaping (Result<RedisSession, RedisError>) -> Void
    ) {
        self.configuration = configuration
        self.loop = loop
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
                case .success(let channel):
                    if self.result == nil { channel.close(promise: nil) } else { self.logIn(session) }
                case .failure(let error): self.finish(.failure(RedisTransport.error(error)))
                }
            }
        } catch {
            finish(.failure(error))
        }
    }

    func cancel() { finish(.failure(.unavailable(reason: "closed"))) }

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
