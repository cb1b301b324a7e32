import Logging
import NIOCore
import Synchronization
import WeirRedis

/// What a node has settled and the ledger is not known to have yet, in a file of its own, so that nothing of it is lost
/// with Redis, with this process, or with both.
///
/// A call costs an append to an array; one transaction of one row (``OutboxBatch``) at a time, on a thread of its own,
/// writes what has come meanwhile. What the aggregator says to have (``CommittedMark``) is forgotten; what Redis may have lost is sent again
/// (``OutboxPlan``), with the same id.
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

    let limitBytes: Int
    let file: OutboxFile
    let logger: Logger
    private let directory: OutboxDirectory
    let state: Mutex<State>

    struct State {
        var content: OutboxFile.Content
        var shards: [Int: ShardRows] = [:]
        /// Of redis-server, as it was read last.
        var run = ""
        /// What has not been written yet, in its order.
        var pending: [OutboxFile.Write] = []
        /// Written after them; takes more until then.
        var open: OutboxBatch?
        /// A thread is on its way to ``pending``.
        var isScheduled = false
        /// The last batch was of several rows.
        var hadCompany = false
        /// Rows up to this number are in the file.
        var writtenUpTo: Int
        var waiters: [Waiter] = []
        /// Why the file could not be written last.
        var fault: String?
        var oldestAtMs: Int?
        var wasFull = false
        /// Rows of an earlier process that have not been looked at yet.
        var inherited: ClosedRange<Int>?
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
        file = try OutboxFile(path: directory.file)
        let content = try file.content()
        self.limitBytes = limitBytes
        self.logger = logger
        var state = State(content: content, writtenUpTo: content.lastNumber)
        if content.count > 0 { state.inherited = 1...content.lastNumber }
        self.state = Mutex(state)
        if content.count > 0 {
            logger.notice(
                "the outbox holds calls of an earlier process; they are settled now",
                metadata: ["rows": "\(content.count)", "bytes": "\(content.batches.bytes)", "path": "\(path)"])
        }
    }

    package var status: Status {
        state.withLock { state in
            Status(
                rows: state.content.count, bytes: state.content.batches.bytes, limitBytes: limitBytes,
                oldestAtMs: state.content.count == 0 ? nil : state.oldestAtMs, problem: reasonNotToAdmit(state))
        }
    }

    /// Why the node may not admit anything new; nil: it may.
    var problem: String? { state.withLock { reasonNotToAdmit($0) } }

    private func reasonNotToAdmit(_ state: State) -> String? {
        if let fault = state.fault { return "the outbox cannot be written: \(fault)" }
        guard state.content.batches.bytes >= limitBytes else { return nil }
        return
            "the outbox is full: \(state.content.count) settlements, \(state.content.batches.bytes) of \(limitBytes) bytes, "
            + "wait for the aggregator"
    }

    // MARK: A settlement's way

    /// Keeps it. It is in the file when ``written(_:)`` returns.
    func add(_ script: EndScript, atMs: Int) -> (ticket: OutboxRow.Ticket, known: Known) {
        let (row, known, isFirst, isFullNow) = state.withLock { state in
            let known = state.known(script.shard)
            state.content.lastNumber += 1
            let row = OutboxRow(
                number: state.content.lastNumber, script: script, epoch: known.epoch, atMs: atMs)
            if state.content.count == 0 { state.oldestAtMs = atMs }
            state.content.count += 1
            state.content.rows[script.shard.number, default: 0] += 1
            state.append(row)
            let isFullNow = !state.wasFull && state.content.batches.bytes >= limitBytes
            if isFullNow { state.wasFull = true }
            defer { state.isScheduled = true }
            return (row, known, !state.isScheduled, isFullNow)
        }
        if isFirst { file.schedule { self.writePending($0) } }
        if isFullNow {
            logger.critical(
                "the outbox is full: nothing new is admitted until the aggregator has what is in it",
                metadata: ["path": "\(file.path)", "limit_bytes": "\(limitBytes)"])
        }
        return (row.ticket, known)
    }

    func known(_ shard: Shard) -> Known { state.withLock { $0.known(shard) } }

    /// Returns when it is in the file, so that it outlives this process; or cannot be written at the moment, which keeps
    /// nobody waiting.
    ///
    /// - Parameter loop: that of the waiting task.
    func written(_ ticket: OutboxRow.Ticket, on loop: any EventLoop) async {
        await withUnsafeContinuation { continuation in
            let isDone = state.withLock { state in
                if state.writtenUpTo >= ticket.number || state.fault != nil { return true }
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
        let isFirst = state.withLock { state in
            for ticket in tickets {
                state.content.rows[ticket.shard, default: 1] -= 1
                if state.content.rows[ticket.shard] == 0 { state.content.rows[ticket.shard] = nil }
            }
            state.content.count -= tickets.count
            let gone = tickets.compactMap { state.content.batches.forget($0.number) }
            // Again an alarm only after it has been well below.
            if state.content.batches.bytes < limitBytes / 10 * 9 { state.wasFull = false }
            guard !gone.isEmpty else { return false }
            state.closeBatch()
            state.pending += gone.map { .delete(first: $0) }
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
        if isFirst { file.schedule { self.writePending($0) } }
    }

    /// Ends what is being written and closes the file. Nothing may be added any more.
    func close() {
        // The file's writer takes one after the other, so this comes last.
        writeAgain()
        do { try file.close() } catch {
            logger.error("the outbox was not closed well", metadata: ["error": "\(error)"])
        }
        directory.unlock()
    }
}

extension Outbox.State {
    func known(_ shard: Shard) -> Outbox.Known {
        let rows = shards[shard.number]
        return Outbox.Known(epoch: rows?.epoch, run: rows?.mark.run ?? "")
    }

    mutating func append(_ row: OutboxRow) {
        if open?.take(row) == true { return content.batches.grow(by: row.bytes) }
        closeBatch()
        open = OutboxBatch(row)
        content.batches.append(first: row.number, count: 1, bytes: row.bytes)
    }

    mutating func closeBatch() {
        if let batch = open.take() { pending.append(.insert(batch)) }
    }
}
