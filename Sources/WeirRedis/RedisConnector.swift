import Logging
import NIOCore

/// Keeps one session alive: dials, hands commands to it, dials again when it ended.
///
/// Lives on the loop. While there is no session, commands are refused at once with the reason.
final class RedisConnector {
    private let configuration: RedisConfiguration
    private let loop: NIOIsolatedEventLoop
    private let logger: Logger
    private let metrics: RedisMetrics
    /// Counted among the open ones.
    private var isBreakerOpen = false
    private let belief: RedisBelief
    private let publish: (RedisConnection.State) -> Void
    private var sessionsMade = 0
    private var session: RedisSession?
    private var dial: RedisDial?
    private var redial: Scheduled<Void>?
    private var backoff = RedisBackoff()
    private var readySince: NIODeadline?
    /// Why there is no session.
    private var absence: RedisError = .unavailable(reason: "not connected yet")
    /// The last connection ended before the login was answered.
    private var wasTurnedAway = false
    private var isClosed = false
    private var hasStarted = false
    private var awaitingReady: [RedisCall] = []

    init(
        configuration: RedisConfiguration, loop: NIOIsolatedEventLoop, logger: Logger, metrics: RedisMetrics,
        belief: RedisBelief, publish: @escaping (RedisConnection.State) -> Void
    ) {
        self.configuration = configuration
        self.loop = loop
        self.logger = logger
        self.metrics = metrics
        self.belief = belief
        self.publish = publish
    }

    func start() {
        guard !hasStarted else { return }
        hasStarted = true
        connect()
    }

    /// - Parameter onlyBelieved: refuses it on a session whose server's data nobody has looked at (``RedisBelief``).
    func submit(_ command: [RedisArgument], _ awaited: RedisAwaited, onlyBelieved: Bool) {
        guard let session else { return awaited.waiter.finish(.failure(absence)) }
        if onlyBelieved, !belief.isBelieved {
            return awaited.waiter.finish(
                .failure(.unavailable(reason: "what this Redis holds may be old; it is being looked at")))
        }
        session.submit(command, awaited)
    }

    /// Finishes `call` when commands can be sent, when the configuration is at fault, or after `timeout`.
    func whenReady(_ call: RedisCall, timeout: Duration) {
        if session != nil { return call.finish(.success(.null)) }
        if isClosed || isMisconfigured { return call.finish(.failure(absence)) }
        awaitingReady.append(call)
        _ = loop.scheduleTask(in: TimeAmount(timeout)) {
            call.finish(.failure(self.absence))
            self.awaitingReady.removeAll { $0.isFinished }
        }
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        absence = .unavailable(reason: "closed")
        redial?.cancel()
        dial?.cancel()
        session?.close(absence)
        session = nil
        belief.end()
        publish(.broken(reason: "closed"))
        tellWaiting(.failure(absence))
    }

    private var isMisconfigured: Bool {
        if case .configuration = absence { true } else { false }
    }

    private func connect() {
        guard !isClosed else { return }
        let listenFirst: TimeAmount = wasTurnedAway ? .milliseconds(20) : .zero
        let dial = RedisDial(configuration, loop: loop, listenFirst: listenFirst) { result in
            self.dial = nil
            switch result {
            case .success(let session): self.ready(session)
            case .failure(let error):
                if case .disconnected = error { self.wasTurnedAway = true }
                self.lost(error)
            }
        }
        self.dial = dial
        dial.start()
    }

    private func ready(_ session: RedisSession) {
        guard !isClosed else { return session.close(absence) }
        self.session = session
        sessionsMade += 1
        belief.begin(session: sessionsMade)
        wasTurnedAway = false
        readySince = .now()
        session.roundTrip = metrics.roundTrip
        session.onEnd = { [weak self] error in self?.lost(error) }
        session.onBreaker = { [weak self] problem in
            guard let self else { return }
            self.countBreaker(isOpen: problem != nil)
            if let problem {
                self.logger.warning("Redis: breaker open", metadata: ["reason": "\(problem)"])
                self.publish(.broken(reason: "\(problem)"))
            } else {
                self.logger.info("Redis: breaker closed")
                self.publish(.ready)
            }
        }
        logger.info("Redis: ready", metadata: ["redis": "\(configuration)"])
        publish(.ready)
        tellWaiting(.success(.null))
    }

    private func countBreaker(isOpen: Bool) {
        guard isOpen != isBreakerOpen else { return }
        isBreakerOpen = isOpen
        metrics.breaker(isOpen: isOpen)
    }

    private func lost(_ error: RedisError) {
        session = nil
        countBreaker(isOpen: false)
        belief.end()
        guard !isClosed else { return }
        // A connection that ends as soon as it is made (a replica, a full server) does not start the waits anew.
        if let since = readySince, NIODeadline.now() - since > TimeAmount(RedisBackoff.longest) { backoff.reset() }
        readySince = nil
        let reason = Self.absence(after: error)
        // One line for each new reason, not for each attempt.
        logger.log(
            level: reason == absence ? .debug : .warning, "Redis: no connection",
            metadata: ["redis": "\(configuration)", "reason": "\(error)"])
        absence = reason
        publish(.broken(reason: "\(absence)"))
        if isMisconfigured { tellWaiting(.failure(absence)) }
        var generator = SystemRandomNumberGenerator()
        let pause = backoff.next(using: &generator)
        redial = loop.scheduleTask(in: TimeAmount(pause)) { self.connect() }
    }

    /// What a command gets that comes while there is no connection: it was not sent, so nothing was run. Faults of the
    /// configuration stay what they are, since nobody may take them for an outage.
    private static func absence(after error: RedisError) -> RedisError {
        switch error {
        case .configuration: error
        case .unavailable(let reason), .disconnected(let reason): .unavailable(reason: reason)
        case .serverBusy(let text), .writeRefused(let text), .server(let text), .protocolViolation(let text):
            .unavailable(reason: text)
        case .timedOut: .unavailable(reason: "no answer to the login in time")
        case .cancelled: .unavailable(reason: "not connected")
        }
    }

    private func tellWaiting(_ outcome: RedisCall.Outcome) {
        let waiting = awaitingReady
        awaitingReady = []
        for call in waiting { call.finish(outcome) }
    }
}
