import Logging
import NIOCore

/// Keeps the two connections of ``RedisInvalidations`` and makes both anew when either ends.
///
/// Lives on the loop.
final class RedisTracker {
    /// Both connections are asked this often whether they live. The server says nothing when one of them is gone.
    private static let heartbeat = TimeAmount.milliseconds(250)
    /// And have this long to answer, so that a silent server is noticed within a second.
    private static let silence = Duration.milliseconds(600)

    private let configuration: RedisConfiguration
    private let prefixes: [String]
    private let buffer: RedisInvalidationBuffer
    private let loop: NIOIsolatedEventLoop
    private let logger: Logger
    private var backoff = RedisBackoff()
    private var dial: RedisDial?
    private var sessions: [RedisSession] = []
    private var timer: Scheduled<Void>?
    private var armedSince: NIODeadline?
    private var isClosed = false
    private var lastFailure: RedisError?

    init(
        configuration: RedisConfiguration, prefixes: [String], buffer: RedisInvalidationBuffer,
        loop: NIOIsolatedEventLoop, logger: Logger
    ) {
        self.configuration = configuration
        self.prefixes = prefixes
        self.buffer = buffer
        self.loop = loop
        self.logger = logger
    }

    func start() {
        connect { subscriber in
            subscriber.onMessage = { [weak self] message in self?.receive(message) }
            self.ask(subscriber, ["CLIENT", "ID"]) { identifier in
                self.ask(subscriber, ["SUBSCRIBE", "__redis__:invalidate"]) { _ in
                    self.arm(redirectingTo: identifier)
                }
            }
        }
    }

    func close() {
        isClosed = true
        dial?.cancel()
        end()
    }

    private func arm(redirectingTo subscriber: RedisValue) {
        guard case .integer(let identifier) = subscriber else {
            return fail(.protocolViolation("CLIENT ID answered no number"))
        }
        var command: [RedisArgument] = ["CLIENT", "TRACKING", "ON", "REDIRECT", .int(identifier), "BCAST"]
        for prefix in prefixes { command += ["PREFIX", .string(prefix)] }
        connect { armed in
            self.ask(armed, command) { _ in
                self.armedSince = .now()
                self.lastFailure = nil
                self.logger.info("Redis: tracking armed", metadata: ["redis": "\(self.configuration)"])
                self.buffer.add(.armed)
                self.scheduleHeartbeat()
            }
        }
    }

    /// `["message", "__redis__:invalidate", [key, …]]`, or null in place of the keys when all are gone.
    private func receive(_ message: [RedisValue]) {
        guard armedSince != nil, message.count == 3 else { return }
        switch message[2] {
        case .null: buffer.add(.flushed)
        case .array(let keys):
            buffer.add(
                .changed(
                    keys.compactMap { key in
                        if case .bulk(let name) = key { String(buffer: name) } else { nil }
                    }))
        case .bulk(let name): buffer.add(.changed([String(buffer: name)]))
        case .integer, .status, .error: fail(.protocolViolation("an invalidation without keys"))
        }
    }

    private func scheduleHeartbeat() {
        timer = loop.scheduleTask(in: Self.heartbeat) {
            var missing = self.sessions.count
            for session in self.sessions {
                self.ask(session, ["PING"], within: Self.silence) { _ in
                    missing -= 1
                    if missing == 0 { self.scheduleHeartbeat() }
                }
            }
        }
    }

    // MARK: Connections

    private func connect(_ body: @escaping (RedisSession) -> Void) {
        let dial = RedisDial(configuration, loop: loop) { result in
            self.dial = nil
            switch result {
            case .success(let session):
                guard !self.isClosed else { return session.close(.unavailable(reason: "closed")) }
                session.onEnd = { [weak self] error in self?.fail(error) }
                self.sessions.append(session)
                body(session)
            case .failure(let error): self.fail(error)
            }
        }
        self.dial = dial
        dial.start()
    }

    /// Sends a command whose failure means that both connections are made anew.
    private func ask(
        _ session: RedisSession, _ command: [RedisArgument], within timeout: Duration? = nil,
        then body: @escaping (RedisValue) -> Void
    ) {
        session.enqueue(command, timeout: timeout ?? configuration.connectTimeout) {
            [weak self, weak session] outcome in
            // Of a session that was given up already, nothing is of interest.
            guard let self, let session, self.sessions.contains(where: { $0 === session }) else { return }
            switch outcome {
            case .success(let reply): body(reply)
            case .failure(let error): self.fail(error)
            }
        }
    }

    private func fail(_ error: RedisError) {
        guard !isClosed else { return }
        let wasArmed = armedSince
        dial?.cancel()
        end()
        if let wasArmed {
            if NIODeadline.now() - wasArmed > TimeAmount(RedisBackoff.longest) { backoff.reset() }
            buffer.add(.lost)
        }
        logger.log(
            level: error == lastFailure ? .debug : .warning, "Redis: tracking lost",
            metadata: ["redis": "\(configuration)", "reason": "\(error)"])
        lastFailure = error
        var generator = SystemRandomNumberGenerator()
        timer = loop.scheduleTask(in: TimeAmount(backoff.next(using: &generator))) { self.start() }
    }

    private func end() {
        timer?.cancel()
        timer = nil
        armedSince = nil
        let ended = sessions
        sessions = []
        for session in ended {
            session.onEnd = nil
            session.close(.unavailable(reason: "given up"))
        }
    }
}
