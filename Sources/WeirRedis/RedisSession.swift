import CoreMetrics
import NIOCore

/// One network connection from its making to its end: commands out, replies in, each reply to the oldest that waits.
///
/// Lives on its channel's loop. Replies come in the order of the commands, so who waits is a queue, and a command that
/// timed out or was cancelled keeps its place in it until its reply has come and is thrown away.
final class RedisSession: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let configuration: RedisConfiguration
    private let loop: NIOIsolatedEventLoop
    private var context: ChannelHandlerContext?
    private var reader: RedisReplyReader
    /// Commands of this tick of the loop; they leave in one write.
    private var outbound = ByteBuffer()
    private var isFlushScheduled = false
    private var waiting = CircularBuffer<RedisAwaited>()
    private var sweep: (at: NIODeadline, task: Scheduled<Void>)?
    private var breaker: RedisBreaker
    private var readAt = NIODeadline.now()
    /// Why it ended; nil while it lives.
    private(set) var end: RedisError?

    /// Told once when the connection has ended, after all who waited were told.
    var onEnd: ((RedisError) -> Void)?
    /// Told when the breaker opens (with the reason) and when it closes again (with nil).
    var onBreaker: ((RedisError?) -> Void)?
    /// Told how long each reply took; nil: nobody asks.
    var roundTrip: Timer?
    /// On a subscriber, takes the messages, which answer no command.
    var onMessage: (([RedisValue]) -> Void)?

    /// - Parameter loop: the loop of the channel it will be added to, and the one that calls this.
    init(configuration: RedisConfiguration, loop: NIOIsolatedEventLoop) throws(RedisError) {
        self.configuration = configuration
        self.loop = loop
        reader = try RedisReplyReader()
        breaker = RedisBreaker(tripAfter: configuration.breakerTimeouts)
    }

    // MARK: Commands

    /// Sends a command, or refuses it at once: when the connection ended, the breaker is open, the server is late with
    /// an older one, or too many wait.
    func submit(_ command: [RedisArgument], _ awaited: RedisAwaited) {
        if breaker.isOpen {
            return awaited.waiter.finish(.failure(.unavailable(reason: "Redis does not answer in time; probing it")))
        }
        if let oldest = waiting.first, isLate(oldest) {
            return awaited.waiter.finish(.failure(.unavailable(reason: "Redis is late with an older command")))
        }
        guard waiting.count < configuration.maxWaiting else {
            return awaited.waiter.finish(
                .failure(.unavailable(reason: "\(waiting.count) commands wait for a reply already")))
        }
        enqueue(command, awaited)
    }

    /// Replies come in the order of the commands: what is sent behind one that is late is late, too, and its sender would
    /// wait a deadline to learn it. So only those wait that were sent before; the late one's reply is the probe.
    private func isLate(_ awaited: RedisAwaited) -> Bool {
        guard case .abandoned = awaited.waiter else { return false }
        // A caller in a greater hurry than most says nothing about the server.
        return awaited.deadline - awaited.sentAt >= TimeAmount(configuration.commandDeadline)
    }

    /// As ``submit(_:_:)``, past the breaker and the bound: for the client's own commands, which are few.
    func enqueue(_ command: [RedisArgument], _ awaited: RedisAwaited) {
        if let end { return awaited.waiter.finish(.failure(.unavailable(reason: "the connection ended: \(end)"))) }
        RedisCommandFormatter.append(command, to: &outbound)
        waiting.append(awaited)
        scheduleSweep(at: awaited.deadline)
        if !isFlushScheduled {
            isFlushScheduled = true
            loop.execute { self.flush() }
        }
    }

    /// Sends one of the client's own commands; `body` gets the reply within `timeout` or an error.
    func enqueue(_ command: [RedisArgument], timeout: Duration, _ body: @escaping (RedisCall.Outcome) -> Void) {
        let now = NIODeadline.now()
        enqueue(command, RedisAwaited(waiter: .callback(body), sentAt: now, deadline: now + TimeAmount(timeout)))
    }

    private func flush() {
        isFlushScheduled = false
        guard let context, end == nil, outbound.readableBytes > 0 else { return }
        // A failed write closes the channel, and channelInactive tells everyone.
        context.writeAndFlush(wrapOutboundOut(outbound), promise: nil)
        outbound.clear()
        // One huge command must not keep its memory for ever.
        if outbound.capacity > 1 << 20 { outbound = ByteBuffer() }
    }

    // MARK: Replies

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        do throws(RedisError) {
            // One look at the clock for all replies of one read.
            if roundTrip != nil { readAt = .now() }
            try reader.feed(unwrapInboundIn(data))
            while end == nil, let reply = try reader.next() { receive(reply) }
        } catch {
            close(error)
        }
    }

    private func receive(_ reply: RedisValue) {
        if let onMessage, case .array(let parts) = reply, case .bulk(let kind)? = parts.first,
            kind.readableBytesView.elementsEqual("message".utf8)
        {
            return onMessage(parts)
        }
        guard let awaited = waiting.popFirst() else {
            // A server that turns us away says why before it hangs up.
            if case .error(let text) = reply { return close(RedisError(reply: text)) }
            return close(.protocolViolation("a reply that no command asked for"))
        }
        switch reply {
        case .error(let text):
            awaited.waiter.finish(.failure(RedisError(reply: text)))
            // The server was demoted. Another one may answer at the same address by now.
            if text.hasPrefix("READONLY") { close(.disconnected(reason: "the server became a replica")) }
        case .null, .integer, .status, .bulk, .array:
            awaited.waiter.finish(.success(reply))
        }
        roundTrip?.recordNanoseconds((readAt - awaited.sentAt).nanoseconds)
        if case .abandoned = awaited.waiter { return }
        breaker.answered()
    }

    // MARK: Deadlines

    /// One timer for all commands, at the earliest deadline it knows of.
    private func scheduleSweep(at time: NIODeadline) {
        if let sweep {
            guard time < sweep.at else { return }
            sweep.task.cancel()
        }
        sweep = (time, loop.scheduleTask(deadline: time) { self.sweepNow() })
    }

    private func sweepNow() {
        sweep = nil
        guard end == nil else { return }
        let now = NIODeadline.now()
        let stallLimit = TimeAmount(configuration.stallLimit)
        if let oldest = waiting.first, oldest.deadline + stallLimit <= now {
            return close(.disconnected(reason: "no reply long after the deadline"))
        }
        var next = waiting.first.map { $0.deadline + stallLimit }
        var expired: [RedisAwaited] = []
        for index in waiting.indices {
            let awaited = waiting[index]
            if case .abandoned = awaited.waiter { continue }
            if awaited.deadline <= now {
                waiting[index].waiter = .abandoned
                expired.append(awaited)
            } else {
                next = min(next ?? awaited.deadline, awaited.deadline)
            }
        }
        // Not more often than each millisecond, however the deadlines lie.
        if let next { scheduleSweep(at: max(next, now + .milliseconds(1))) }
        // Last, because whoever is told may send or close.
        for awaited in expired { expire(awaited) }
    }

    private func expire(_ awaited: RedisAwaited) {
        awaited.waiter.finish(.failure(.timedOut))
        guard end == nil, awaited.deadline - awaited.sentAt >= TimeAmount(configuration.commandDeadline) else { return }
        if breaker.timedOut() {
            onBreaker?(.unavailable(reason: "Redis does not answer in time"))
            probe()
        }
    }

    /// Asks the server for a sign of life. The next probe waits for this one's reply, so at most one is on the way; if
    /// none comes, the connection ends, also when an older command was given more time.
    private func probe() {
        let sentAt = NIODeadline.now()
        enqueue(["PING"], timeout: configuration.stallLimit) { [weak self] outcome in
            guard let self, self.end == nil else { return }
            guard case .success = outcome else {
                return self.close(.disconnected(reason: "no reply to a probe"))
            }
            let pause = TimeAmount(self.configuration.commandDeadline)
            if NIODeadline.now() - sentAt <= pause {
                self.breaker.close()
                self.onBreaker?(nil)
            } else {
                _ = self.loop.scheduleTask(in: pause) { [weak self] in
                    if let self, self.end == nil { self.probe() }
                }
            }
        }
    }

    // MARK: The end

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        close(.disconnected(reason: "the connection was closed"))
    }

    func channelInactive(context: ChannelHandlerContext) {
        close(.disconnected(reason: "the server closed the connection"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close(RedisTransport.error(error))
    }

    /// Ends the connection; all who wait get `error`. Only the first call counts.
    func close(_ error: RedisError) {
        guard end == nil else { return }
        end = error
        sweep?.task.cancel()
        sweep = nil
        let left = waiting
        waiting.removeAll()
        for awaited in left { awaited.waiter.finish(.failure(error)) }
        context?.close(promise: nil)
        let onEnd = onEnd
        (self.onEnd, onBreaker, onMessage) = (nil, nil, nil)
        onEnd?(error)
    }
}
