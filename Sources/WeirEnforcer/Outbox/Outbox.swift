import Logging
import NIOCore
import Synchronization
import WeirCore
import WeirRedis

/// What a node has settled and the ledger is not known to have yet, in a file of its own, so that nothing of it is lost
/// with Redis, with this process, or with both.
///
/// A call costs a copy of one line into the memory of a file (``OutboxSegment``), at once; a thread of its own makes files
/// and whatever waits for the disk. What the aggregator says to have (``CommittedMark``) is forgotten; what Redis may have
/// lost is sent again (``OutboxPlan``), with the same id.
package final class Outbox: Sendable {
    /// How it stands, for health pages and metrics.
    package struct Status: Sendable, Hashable {
        package var rows: Int
        package var bytes: Int
        package var limitBytes: Int
        /// When the oldest row was made, milliseconds since 1970; nil: there is none.
        package var oldestAtMs: Int?
        /// Why nothing new is admitted; nil: it is.
        package var problem: String?

        package init(rows: Int, bytes: Int, limitBytes: Int, oldestAtMs: Int?, problem: String?) {
            (self.rows, self.bytes, self.limitBytes) = (rows, bytes, limitBytes)
            (self.oldestAtMs, self.problem) = (oldestAtMs, problem)
        }
    }

    package static let standardLimitBytes = 1 << 30
    /// Files may take so much more than what they hold: some are filled while settlements are on their way.
    static let spareBytes = 16 * OutboxSegment.standardBytes

    let limitBytes: Int
    let files: OutboxFiles
    let logger: Logger
    private let directory: OutboxDirectory
    let state: Mutex<State>

    struct State {
        /// How many rows there are, and of each shard.
        var count = 0
        var rows: [Int: Int] = [:]
        var lastNumber = 0
        var extents = OutboxExtents()
        var segments = OutboxSegments()
        /// What there was no room for, in the order of their numbers.
        var pending: [Pending] = []
        var pendingBytes = 0
        /// A thread is on its way to what waits for it.
        var isScheduled = false
        /// Rows up to this number are in a file.
        var writtenUpTo = 0
        var waiters: [Waiter] = []
        /// Why a file could not be written last.
        var fault: String?
        var wasFull = false
        /// Of a shard: what the node believes of it, and what of its stream is kept.
        var shards: [Int: ShardRows] = [:]
        /// Of redis-server, as it was read last.
        var run = ""
        /// Rows of an earlier process that have not been looked at yet.
        var inherited: ClosedRange<Int>?
    }

    /// A row that is in no file yet.
    struct Pending: Sendable {
        let number: Int
        let atMs: Int
        let line: [UInt8]
    }

    /// Who waits until a row is in the file.
    struct Waiter: Sendable {
        let number: Int
        let continuation: UnsafeContinuation<Void, Never>
        /// Where it waits.
        let loop: any EventLoop
    }

    /// One shard's rows.
    struct ShardRows {
        /// As this node read it last; nil: not ready, or not read yet.
        var epoch: String?
        var mark = CommittedMark()
        /// It has been read since ``takeStock(_:_:mostLost:)``.
        var isFresh = false
        /// Those that stand in the stream, nearly in its order.
        var sent: [Sent] = []
    }

    struct Sent: Sendable {
        let ticket: OutboxRow.Ticket
        let place: HandedOn
    }

    /// What a node believes of a shard when it sends.
    struct Known: Sendable {
        var epoch: String?
        var run: String
    }

    /// Opens the directory, or makes it, and locks it; a second process is refused.
    package init(directory path: String, limitBytes: Int = standardLimitBytes, logger: Logger) throws(OutboxError) {
        directory = try OutboxDirectory(path)
        files = OutboxFiles(directory: path)
        self.limitBytes = limitBytes
        self.logger = logger
        var state = State()
        try state.inherit(from: files, logger)
        do throws(OutboxError) {
            state.segments.add(
                free: try files.make(state.segments.nextNumber(), capacity: OutboxSegment.standardBytes))
        } catch {
            // What an earlier process left makes room once it is settled.
            guard state.count > 0 else { throw error }
            logger.critical("the outbox cannot be written", metadata: ["error": "\(error)"])
            state.fault = error.description
        }
        self.state = Mutex(state)
    }

    package var status: Status {
        state.withLock { state in
            Status(
                rows: state.count, bytes: state.bytes, limitBytes: limitBytes, oldestAtMs: state.oldestAtMs,
                problem: reasonNotToAdmit(state))
        }
    }

    /// Why the node may not admit anything new; nil: it may.
    var problem: String? { state.withLock { reasonNotToAdmit($0) } }

    private func reasonNotToAdmit(_ state: State) -> String? {
        if let fault = state.fault { return "the outbox cannot be written: \(fault)" }
        guard state.isFull(limitBytes) else { return nil }
        return "the outbox is full: \(state.count) settlements, \(state.bytes) bytes, wait for the aggregator"
    }

    // MARK: A settlement's way

    /// Keeps it. It is in a file when ``written(_:on:)`` returns, and mostly when this does.
    func add(_ script: EndScript, atMs: Int) -> (ticket: OutboxRow.Ticket, known: Known) {
        let known = known(script.shard)
        let line = OutboxRow.line(script, epoch: known.epoch, atMs: atMs)
        let (number, hasWork, isFullNow) = state.withLock { state in
            let number = state.keep(line, of: script.shard.number, atMs: atMs)
            let isFullNow = !state.wasFull && state.isFull(limitBytes)
            if isFullNow { state.wasFull = true }
            return (number, state.schedules(), isFullNow)
        }
        if hasWork { files.schedule { self.work() } }
        if isFullNow {
            logger.critical(
                "the outbox is full: nothing new is admitted until the aggregator has what is in it",
                metadata: ["path": "\(files.directory)", "limit_bytes": "\(limitBytes)"])
        }
        return (OutboxRow.Ticket(number: number, shard: script.shard.number), known)
    }

    func known(_ shard: Shard) -> Known { state.withLock { $0.known(shard) } }

    /// Returns when it is in a file, so that it outlives this process; or cannot be written at the moment, which keeps
    /// nobody waiting.
    ///
    /// - Parameter loop: that of the waiting task.
    func written(_ ticket: OutboxRow.Ticket, on loop: any EventLoop) async {
        if state.withLock({ $0.isWritten(ticket) }) { return }
        await withUnsafeContinuation { continuation in
            let isDone = state.withLock { state in
                if state.isWritten(ticket) { return true }
                state.waiters.append(Waiter(number: ticket.number, continuation: continuation, loop: loop))
                return false
            }
            if isDone { continuation.resume() }
        }
    }

    /// Its event stands in its shard's stream.
    func sent(_ ticket: OutboxRow.Ticket, _ place: HandedOn) {
        state.withLock { $0.shards[ticket.shard, default: ShardRows()].sent.append(Sent(ticket: ticket, place: place)) }
    }

    /// It was settled, maybe before. False: nobody can say where its event stands, or it came too late to be charged by the
    /// script; then its event is handed on, and the budgets are raised for it.
    func stands(_ ticket: OutboxRow.Ticket, _ outcome: EndScript.Outcome, run: String) -> Bool {
        guard outcome.reply != .eventOnly, let epoch = outcome.epoch, let id = outcome.streamID else { return false }
        sent(ticket, HandedOn(run: run, life: epoch, id: id))
        return true
    }

    /// Nothing has to be kept of them any more.
    func forget(_ tickets: [OutboxRow.Ticket]) {
        guard !tickets.isEmpty else { return }
        let hasWork = state.withLock { state in
            for ticket in tickets { state.forget(ticket) }
            // Again an alarm only after it has been well below.
            if state.bytes < limitBytes / 10 * 9 { state.wasFull = false }
            return state.schedules()
        }
        if hasWork { files.schedule { self.work() } }
    }

    /// Ends what is being written. Nothing may be added any more.
    func close() {
        files.waitHere { end() }
        directory.unlock()
    }
}

extension Outbox.State {
    func known(_ shard: Shard) -> Outbox.Known {
        let rows = shards[shard.number]
        return Outbox.Known(epoch: rows?.epoch, run: rows?.mark.run ?? "")
    }

    var bytes: Int { extents.bytes + pendingBytes }

    /// The second is for rows that stay, one in each file, and keep it.
    func isFull(_ limitBytes: Int) -> Bool {
        let space = extents.segmentCount * OutboxSegment.standardBytes
        return bytes >= limitBytes || space >= limitBytes.addingSaturated(Outbox.spareBytes)
    }

    var oldestAtMs: Int? { extents.oldestAtMs ?? pending.first?.atMs }

    func isWritten(_ ticket: OutboxRow.Ticket) -> Bool { writtenUpTo >= ticket.number || fault != nil }
}
