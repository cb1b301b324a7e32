import Logging
import Synchronization
import WeirRedis

/// A settlement or release that does not stand, as far as this node knows.
struct UnsettledCall: Sendable {
    var script: EndScript
    /// Its row in the outbox; nil: there is none.
    var ticket: OutboxRow.Ticket?
    /// It was sent, and may have been carried out.
    var mayHaveRun: Bool
    /// The shard's epoch then; nil: not known.
    var epoch: String?
}

/// Settlements and releases that did not reach Redis. They are repeated, with the same id, until they stand.
final class UnsettledCalls: Sendable {
    /// With more than this many the node admits nothing new.
    static let largestCount = 50_000
    private static let atOnce = 64
    private static let firstWait: Duration = .milliseconds(20)
    private static let longestWait: Duration = .seconds(1)

    private let pool: RedisPool
    private let outbox: Outbox?
    private let clock: RedisClock
    private let logger: Logger
    /// Names the lives of streams in which this node sends events again.
    private let life = "life-" + String(UInt64.random(in: .min ... .max), radix: 36)
    private let state = Mutex(State())
    private let bell = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    private struct State {
        var waiting: [UnsettledCall] = []
        /// Being repeated at this moment: still not settled.
        var underway = 0
    }

    init(pool: RedisPool, outbox: Outbox?, clock: RedisClock, logger: Logger) {
        self.pool = pool
        self.outbox = outbox
        self.clock = clock
        self.logger = logger
    }

    var count: Int { state.withLock { $0.waiting.count + $0.underway } }
    var isFull: Bool { count >= Self.largestCount }

    /// - Parameter error: why it does not stand; nil: its shard is not ready.
    func add(_ script: EndScript, because error: RedisError?) {
        let known = outbox?.known(script.shard)
        add(UnsettledCall(script: script, mayHaveRun: error?.mayHaveRun ?? false, epoch: known?.epoch), because: error)
    }

    func add(_ call: UnsettledCall, because error: RedisError?) {
        // The first one tells that Redis is away. A line for each of the thousands after it would drown the log.
        logger.log(
            level: count == 0 ? .warning : .debug, "settlement will be repeated",
            metadata: [
                "reservation": "\(call.script.id.text)", "step": "\(call.script.end)",
                "error": "\(error.map { "\($0)" } ?? "shard not ready")",
            ])
        var call = call
        if call.ticket == nil { call.ticket = outbox?.add(call.script, atMs: clock.nowMs).ticket }
        again(call)
    }

    /// As ``add(_:because:)``, of one that the outbox has known before.
    func again(_ call: UnsettledCall) {
        state.withLock { $0.waiting.append(call) }
        bell.continuation.yield()
    }

    /// Repeats until the task is cancelled.
    func run() async {
        for await _ in bell.stream {
            var wait = Self.firstWait
            while !Task.isCancelled {
                let calls = next()
                if calls.isEmpty { break }
                let left = await withTaskGroup(of: UnsettledCall?.self) { group in
                    for call in calls { group.addTask { await self.repeated(call) } }
                    return await group.reduce(into: [UnsettledCall]()) { left, call in
                        if let call { left.append(call) }
                    }
                }
                state.withLock { ($0.waiting, $0.underway) = ($0.waiting + left, 0) }
                if left.count < calls.count { wait = Self.firstWait }
                if left.isEmpty { continue }
                // Cancelled: `run` is over, and `count` says what is left.
                do { try await Task.sleep(for: wait) } catch { return }
                wait = min(wait * 2, Self.longestWait)
            }
            if Task.isCancelled { return }
        }
    }

    private func next() -> [UnsettledCall] {
        state.withLock { state in
            let calls = Array(state.waiting.prefix(Self.atOnce))
            state.waiting.removeFirst(calls.count)
            state.underway = calls.count
            return calls
        }
    }

    /// Nil when it stands; else what is left to do.
    private func repeated(_ call: UnsettledCall) async -> UnsettledCall? {
        var call = call
        do {
            return try await stands(&call, on: pool.any) ? nil : call
        } catch {
            call.mayHaveRun = call.mayHaveRun || error.mayHaveRun
            switch error {
            case .timedOut, .unavailable, .disconnected, .serverBusy, .writeRefused, .cancelled: break
            case .configuration, .server, .protocolViolation:
                logger.error(
                    "settlement refused; mend this, it is repeated until it stands",
                    metadata: ["reservation": "\(call.script.id.text)", "error": "\(error)"])
            }
            return call
        }
    }

    private func stands(_ call: inout UnsettledCall, on connection: RedisConnection) async throws(RedisError) -> Bool {
        let shard = call.script.shard
        guard let outbox else { return try await call.script.run(on: connection) != .notReady }
        if call.script.end == .settle, call.mayHaveRun {
            let now = try await connection.send(["GET", .string(RedisKeys.epoch(shard))]).text
            if OutboxPlan.repetition(mayHaveRunIn: call.epoch, now: now) == .handOn {
                try await handOn(&call, on: connection, outbox)
            }
        }
        let known = outbox.known(shard)
        if !call.mayHaveRun { call.epoch = known.epoch }
        let outcome = try await call.script.end(on: connection)
        if outcome.reply == .notReady { return false }
        guard let ticket = call.ticket else { return true }
        guard call.script.end == .settle, !call.script.event.isEmpty else {
            outbox.forget([ticket])
            return true
        }
        if outbox.stands(ticket, outcome, run: known.run) { return true }
        (call.mayHaveRun, call.epoch) = (true, nil)
        return false
    }

    /// The event alone; what the call may hold is given back, charged or not: the ledger's sums are put into the counters.
    private func handOn(_ call: inout UnsettledCall, on connection: RedisConnection, _ outbox: Outbox)
        async throws(RedisError)
    {
        let script = call.script
        if !script.event.isEmpty {
            let reply = try await ResendScript(shard: script.shard, event: script.event, life: life).run(on: connection)
            if let ticket = call.ticket {
                outbox.sent(ticket, HandedOn(run: reply.run, life: reply.life, id: reply.streamID))
            }
            call.ticket = nil
        }
        call.script = EndScript(
            .release, shard: script.shard, id: script.id, admittedMs: script.admittedMs,
            counters: script.counters.map { (counter: $0.counter, units: 0) })
        call.mayHaveRun = false
    }
}

extension RedisError {
    /// The command may have been carried out although no reply says so.
    var mayHaveRun: Bool {
        switch self {
        case .timedOut, .disconnected, .cancelled, .protocolViolation: true
        case .unavailable, .serverBusy, .writeRefused, .configuration, .server: false
        }
    }
}
