import GRDB
import Logging
import Synchronization
import WeirRedis

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a node has settled and the ledger is not known to have yet, in a file of its own, so that nothing of it is lost
/// with Redis, with this process, or with both.
///
/// A call costs an append to an array; one transaction at a time, on a thread of its own, writes what has come meanwhile.
/// What the aggregator says to have (``CommittedMark``) is forgotten; what Redis may have lost is sent again
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
        var pending: [OutboxFile.Write] = []
        /// A thread is on its way to ``pending``.
        var isScheduled = false
        /// The last batch was of several rows.
        var hadCompany = false
        /// Rows up to this number are in the file.
        var writtenUpTo: Int
        var waiters: [(number: Int, continuation: UnsafeContinuation<Void, Never>)] = []
        /// Why the file could not be written last.
        var fault: String?
        var oldestAtMs: Int?
        var wasFull = false
        /// Rows of an earlier process that have not been looked at yet.
        var inherited: ClosedRange<Int>?
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
                metadata: ["rows": "\(content.count)", "bytes": "\(content.bytes)", "path": "\(path)"])
        }
    }

    package var status: Status {
        state.withLock { state in
            Status(
                rows: state.content.count, bytes: state.content.bytes, limitBytes: limitBytes,
                oldestAtMs: state.content.count == 0 ? nil : state.oldestAtMs, problem: reasonNotToAdmit(state))
        }
    }

    /// Why the node may not admit anything new; nil: it may.
    var problem: String? { state.withLock { reasonNotToAdmit($0) } }

    private func reasonNotToAdmit(_ state: State) -> String? {
        if let fault = state.fault { return "the outbox cannot be written: \(fault)" }
        guard state.content.bytes >= limitBytes else { return nil }
        return "the outbox is full: \(state.content.count) settlements, \(state.content.bytes) of \(limitBytes) bytes, "
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
            state.content.bytes += row.ticket.bytes
            state.pending.append(.insert(row))
            let isFullNow = !state.wasFull && state.content.bytes >= limitBytes
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
    func written(_ ticket: OutboxRow.Ticket) async {
        await withUnsafeContinuation { continuation in
            let isDone = state.withLock { state in
                if state.writtenUpTo >= ticket.number || state.fault != nil { return true }
                state.waiters.append((ticket.number, continuation))
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
                state.content.bytes -= ticket.bytes
            }
            state.content.count -= tickets.count
            // Again an alarm only after it has been well below.
            if state.content.bytes < limitBytes / 10 * 9 { state.wasFull = false }
            state.pending += tickets.map(\.number).ranges.map { .delete($0) }
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
        if isFirst { file.schedule { self.writePending($0) } }
    }

    // MARK: On the writer's thread

    /// A transaction costs about as much with ten rows as with one. So while calls end at the same time a batch waits for
    /// more of them, as long as Redis commonly takes to answer; a call that is alone never waits.
    private static let gatherMicros: UInt32 = 1_000

    private func writePending(_ db: Database) {
        while true {
            if state.withLock({ $0.hadCompany }) { usleep(Self.gatherMicros) }
            let batch = state.withLock { state in
                defer { state.pending = [] }
                if state.pending.isEmpty { state.isScheduled = false }
                state.hadCompany = state.pending.count > 1
                return state.pending
            }
            if batch.isEmpty { return }
            do {
                try file.write(batch, to: db)
                wake(after: batch, fault: nil)
            } catch {
                logger.critical("the outbox cannot be written", metadata: ["error": "\(error)"])
                state.withLock { $0.pending = batch + $0.pending }
                wake(after: [], fault: error.description)
                // Whoever keeps it up tries again.
                state.withLock { $0.isScheduled = false }
                return
            }
        }
    }

    private func wake(after batch: [OutboxFile.Write], fault: String?) {
        let done = state.withLock { state in
            state.fault = fault
            for case .insert(let row) in batch { state.writtenUpTo = max(state.writtenUpTo, row.number) }
            let writtenUpTo = state.writtenUpTo
            let done = state.waiters.filter { $0.number <= writtenUpTo || fault != nil }
            if !done.isEmpty { state.waiters.removeAll { $0.number <= writtenUpTo || fault != nil } }
            return done
        }
        for waiter in done { waiter.continuation.resume() }
    }

    /// Tries again what could not be written.
    func writeAgain() {
        let isFirst = state.withLock { state in
            guard !state.pending.isEmpty, !state.isScheduled else { return false }
            state.isScheduled = true
            return true
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
}

extension [Int] {
    /// As few ranges as can be: rows are made and forgotten nearly in order.
    var ranges: [ClosedRange<Int>] {
        var ranges: [ClosedRange<Int>] = []
        for number in sorted() {
            if let last = ranges.last, number <= last.upperBound + 1 {
                ranges[ranges.count - 1] = last.lowerBound...Swift.max(last.upperBound, number)
            } else {
                ranges.append(number...number)
            }
        }
        return ranges
    }
}
