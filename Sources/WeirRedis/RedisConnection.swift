import Logging
import NIOCore
import Synchronization

/// One multiplexed connection to Redis, bound to one event loop. Any number of tasks share it.
///
/// Commands that are sent in one tick of the loop leave in one write. It connects again by itself; until it has, and
/// while the breaker is open, commands are refused at once. Blocking commands (`XREADGROUP … BLOCK`) hold up everyone
/// else on it and want a connection of their own.
package final class RedisConnection: Sendable {
    /// For health pages; commands are judged one by one.
    package enum State: Sendable, Equatable {
        case connecting
        case ready
        /// Commands are refused. It repairs itself, unless the reason is the configuration.
        case broken(reason: String)
    }

    package let eventLoop: any EventLoop
    private let configuration: RedisConfiguration
    private let connector: NIOLoopBoundBox<RedisConnector?>
    private let logger: Logger
    private let metrics: RedisMetrics
    private let health = Mutex<State>(.connecting)
    private let belief = RedisBelief()
    /// Commands of other threads. Only the first of a batch wakes the loop.
    private let inbox = Mutex<[Posted]>([])

    package init(
        configuration: RedisConfiguration, eventLoop: any EventLoop, logger: Logger, metrics: RedisMetrics = .none
    ) {
        self.metrics = metrics
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.logger = logger
        connector = NIOLoopBoundBox.makeBoxSendingValue(nil, eventLoop: eventLoop)
    }

    package var state: State { health.withLock { $0 } }

    /// The number of the session that lives, another one each time the connection is made; 0: there is none.
    package var session: Int { belief.current }
    /// Whether commands with `onlyBelieved` are sent: only after ``believe(session:)`` of the session that lives.
    package var isBelieved: Bool { belief.isBelieved }
    package func believe(session: Int) { belief.believe(session: session) }
    package func doubt() { belief.doubt() }
    /// Calls `body` on the loop each time a session begins; of several the last alone.
    package func whenSessionBegins(_ body: @escaping @Sendable () -> Void) { belief.whenBegun(body) }

    /// Begins to connect and returns at once.
    package func start() {
        onLoop { $0.start() }
    }

    /// Returns when commands can be sent.
    ///
    /// - Throws: at once when the configuration is at fault (``RedisError/configuration(_:)``), else after `timeout`,
    ///   with the reason why there is no connection.
    package func waitUntilReady(timeout: Duration) async throws(RedisError) {
        let outcome = await RedisCall.outcome { call in
            onLoop { $0.whenReady(call, timeout: timeout) }
        }
        _ = try outcome.get()
    }

    /// Sends one command and waits for its reply, at most `commandDeadline`.
    ///
    /// May be called from any thread; a task that runs on the loop already gets its reply without a hop.
    package func send(_ command: [RedisArgument]) async throws(RedisError) -> RedisValue {
        try await send(command, deadline: configuration.commandDeadline)
    }

    /// As ``send(_:)``, waiting at most `deadline`.
    ///
    /// - Throws: ``RedisError``; an error reply is thrown, too.
    package func send(
        _ command: [RedisArgument], deadline: Duration
    ) async throws(RedisError) -> RedisValue {
        let now = NIODeadline.now()
        return try await send(command, sentAt: now, deadline: now + TimeAmount(deadline))
    }

    /// Runs a script by the SHA-1 of its bytes. A server that does not know it gets the text, once, within the same
    /// deadline; nothing was run in between, so the script sees its arguments once.
    ///
    /// - Parameter deadline: for both attempts together; nil means `commandDeadline`.
    /// - Parameter onlyBelieved: see ``isBelieved``; else ``RedisError/unavailable(reason:)``.
    package func run(
        _ script: RedisScript, keys: [String], arguments: [RedisArgument], deadline: Duration? = nil,
        onlyBelieved: Bool = false
    ) async throws(RedisError) -> RedisValue {
        let now = NIODeadline.now()
        let deadline = now + TimeAmount(deadline ?? configuration.commandDeadline)
        var command: [RedisArgument] = []
        command.reserveCapacity(3 + keys.count + arguments.count)
        command.append("EVALSHA")
        command.append(.string(script.sha1))
        command.append(.int(keys.count))
        for key in keys { command.append(.string(key)) }
        command.append(contentsOf: arguments)
        do {
            return try await send(command, sentAt: now, deadline: deadline, onlyBelieved: onlyBelieved)
        } catch .server(let text) where text.hasPrefix("NOSCRIPT") {
            command[0] = "EVAL"
            command[1] = .bytes(script.body)
            return try await send(command, sentAt: now, deadline: deadline, onlyBelieved: onlyBelieved)
        }
    }

    /// Sends commands that leave in one write, and waits for all replies, each at most `commandDeadline`.
    ///
    /// For who asks many things at once, again and again: the loop is woken once for all of them, and the caller once.
    /// Cancelling the task does not end the wait.
    package func send(together commands: [[RedisArgument]]) async -> [Result<RedisValue, RedisError>] {
        if commands.isEmpty { return [] }
        let now = NIODeadline.now()
        let deadline = now + TimeAmount(configuration.commandDeadline)
        let outcomes = await withUnsafeContinuation { continuation in
            onLoop { connector in
                let replies = RedisReplies(count: commands.count) { continuation.resume(returning: $0) }
                for (index, command) in commands.enumerated() {
                    let waiter = RedisWaiter.callback { replies.take($0, at: index) }
                    connector.submit(
                        command, RedisAwaited(waiter: waiter, sentAt: now, deadline: deadline), onlyBelieved: false)
                }
            }
        }
        for case .failure(let error) in outcomes { metrics.failed(error) }
        return outcomes
    }

    /// As ``run(_:keys:arguments:deadline:onlyBelieved:)``, for each of these keys and without arguments.
    package func run(_ script: RedisScript, forEach keys: [[String]]) async -> [Result<RedisValue, RedisError>] {
        var outcomes = await send(
            together: keys.map { ["EVALSHA", .string(script.sha1), .int($0.count)] + $0.map { .string($0) } })
        for (index, outcome) in outcomes.enumerated() {
            guard case .failure(.server(let text)) = outcome, text.hasPrefix("NOSCRIPT") else { continue }
            do throws(RedisError) {
                outcomes[index] = .success(try await run(script, keys: keys[index], arguments: []))
            } catch {
                outcomes[index] = .failure(error)
            }
        }
        return outcomes
    }

    /// Ends the connection for good; all who wait are told ``RedisError/unavailable(reason:)``.
    package func close() async {
        await withUnsafeContinuation { continuation in
            onLoop { connector in
                connector.close()
                continuation.resume()
            }
        }
    }

    private func send(
        _ command: [RedisArgument], sentAt: NIODeadline, deadline: NIODeadline, onlyBelieved: Bool = false
    ) async throws(RedisError) -> RedisValue {
        let outcome = await RedisCall.outcome { call in
            if eventLoop.inEventLoop {
                onThisLoop.submit(
                    command, RedisAwaited(waiter: .call(call), sentAt: sentAt, deadline: deadline),
                    onlyBelieved: onlyBelieved)
            } else {
                post(
                    Posted(
                        command: command, call: call, sentAt: sentAt, deadline: deadline, onlyBelieved: onlyBelieved))
            }
        }
        if case .failure(let error) = outcome { metrics.failed(error) }
        return try outcome.get()
    }

    // MARK: From other threads

    /// A command that another thread handed to the loop.
    private struct Posted: Sendable {
        let command: [RedisArgument]
        let call: RedisCall
        let sentAt: NIODeadline
        let deadline: NIODeadline
        let onlyBelieved: Bool
    }

    private func post(_ posted: Posted) {
        let count = inbox.withLock { inbox in
            guard inbox.count < configuration.maxWaiting else { return 0 }
            inbox.append(posted)
            return inbox.count
        }
        switch count {
        case 0: posted.call.finish(.failure(.unavailable(reason: "too many commands wait for the event loop")))
        case 1: eventLoop.execute { self.takePosted() }
        default: break
        }
    }

    private func takePosted() {
        let batch = inbox.withLock { inbox in
            defer { inbox = [] }
            return inbox
        }
        let now = NIODeadline.now()
        for posted in batch where !posted.call.isFinished {
            if posted.deadline <= now {
                posted.call.finish(
                    .failure(.unavailable(reason: "not sent before the deadline: the event loop is late")))
            } else {
                onThisLoop.submit(
                    posted.command,
                    RedisAwaited(waiter: .call(posted.call), sentAt: posted.sentAt, deadline: posted.deadline),
                    onlyBelieved: posted.onlyBelieved)
            }
        }
    }

    // MARK: On the loop

    /// The connector, made at its first use. Only on the loop.
    private var onThisLoop: RedisConnector {
        if let connector = connector.value { return connector }
        let made = RedisConnector(
            configuration: configuration, loop: eventLoop.assumeIsolated(), logger: logger, metrics: metrics,
            belief: belief
        ) { [weak self] state in
            self?.health.withLock { $0 = state }
        }
        connector.value = made
        return made
    }

    private func onLoop(_ body: @escaping @Sendable (RedisConnector) -> Void) {
        if eventLoop.inEventLoop { body(onThisLoop) } else { eventLoop.execute { body(self.onThisLoop) } }
    }
}
