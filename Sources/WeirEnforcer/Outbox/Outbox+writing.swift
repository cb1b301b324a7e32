import Logging
import NIOCore
import Synchronization
import WeirRedis

extension Outbox.State {
    /// What the thread of the files does next.
    enum Work: Sendable {
        /// Make a segment with room for so many bytes.
        case make(number: Int, capacity: Int)
        /// Make a spent one ready for other lines.
        case clear(OutboxSegments.Filled)
        case remove(Int)
    }

    /// Into the current file if it has room, or the next one; else it waits for one. Returns its number.
    mutating func keep(_ line: [UInt8], of shard: Int, atMs: Int) -> Int {
        lastNumber += 1
        count += 1
        rows[shard, default: 0] += 1
        let row = Outbox.Pending(number: lastNumber, atMs: atMs, line: line)
        if pending.isEmpty, write(row) { return row.number }
        pending.append(row)
        pendingBytes += line.count
        return row.number
    }

    private mutating func write(_ row: Outbox.Pending) -> Bool {
        var place = segments.append(row.line)
        if place == nil, segments.turn(room: row.line.count, isHeld: { extents.holds(segment: $0) }) {
            place = segments.append(row.line)
        }
        guard let place else { return false }
        extents.append(
            row.number, atMs: row.atMs, bytes: row.line.count, segment: place.segment, at: place.start)
        writtenUpTo = row.number
        return true
    }

    /// What has waited for room. Returns who need not wait any more.
    mutating func writePending() -> [Outbox.Waiter] {
        var written = 0
        while written < pending.count, write(pending[written]) {
            pendingBytes -= pending[written].line.count
            written += 1
        }
        pending.removeFirst(written)
        return takeWaiters()
    }

    mutating func takeWaiters() -> [Outbox.Waiter] {
        let done = waiters.filter { $0.number <= writtenUpTo || fault != nil }
        if !done.isEmpty { waiters.removeAll { $0.number <= writtenUpTo || fault != nil } }
        return done
    }

    /// Does nothing if it is forgotten.
    mutating func forget(_ ticket: OutboxRow.Ticket) {
        if let index = pending.firstIndex(where: { $0.number == ticket.number }) {
            pendingBytes -= pending[index].line.count
            pending.remove(at: index)
        } else {
            guard extents.holds(ticket.number) else { return }
            if let segment = extents.forget(ticket.number) { segments.release(segment) }
        }
        count -= 1
        rows[ticket.shard, default: 1] -= 1
        if rows[ticket.shard] == 0 { rows[ticket.shard] = nil }
    }

    /// True: there is work, and whoever is told has to bring the thread to it. What cannot be done is tried again by whoever
    /// keeps the outbox up.
    mutating func schedules() -> Bool {
        guard !isScheduled, fault == nil, needsRoom || !segments.spent.isEmpty else { return false }
        isScheduled = true
        return true
    }

    private var needsRoom: Bool { segments.free.isEmpty || !pending.isEmpty }

    /// Nil: nothing is left to do.
    mutating func takeWork() -> Work? {
        switch segments.takeSpent() {
        case .file(let number): return .remove(number)
        case .filled(let filled):
            // One of an odd size was made for an odd line.
            let isOfUse = filled.segment.capacity == OutboxSegment.standardBytes
            return isOfUse && segments.free.count < OutboxSegments.mostFree
                ? .clear(filled) : .remove(filled.segment.number)
        case nil: break
        }
        guard needsRoom else {
            (isScheduled, fault) = (false, nil)
            return nil
        }
        let capacity = max(OutboxSegment.standardBytes, pending.first?.line.count ?? 0)
        return .make(number: segments.nextNumber(), capacity: capacity)
    }
}

extension Outbox.State {
    /// - Parameter segment: ready for lines. Returns who need not wait any more.
    fileprivate mutating func goOn(with segment: OutboxSegment?) -> [Outbox.Waiter] {
        if let segment { segments.add(free: segment) }
        return writePending()
    }

    /// Returns who waits: nobody does while files cannot be written.
    fileprivate mutating func stop(_ work: Work, because error: OutboxError) -> [Outbox.Waiter] {
        switch work {
        case .make: break
        case .clear(let filled): segments.giveBack(.filled(filled))
        case .remove(let number): segments.giveBack(.file(number))
        }
        (isScheduled, fault) = (false, error.description)
        return takeWaiters()
    }

    /// A current segment that holds nothing any more begins anew, so that a node which is killed later does not find it.
    fileprivate mutating func rest() {
        guard let current = segments.current, !extents.holds(segment: current.segment.number) else { return }
        segments.rest()
    }
}

/// On the thread of the files.
extension Outbox {
    func work() {
        while let work = state.withLock({ $0.takeWork() }) {
            do throws(OutboxError) {
                var segment: OutboxSegment?
                switch work {
                case .make(let number, let capacity): segment = try files.make(number, capacity: capacity)
                case .clear(let filled):
                    try filled.segment.clear(filled.used)
                    segment = filled.segment
                case .remove(let number): try files.remove(number)
                }
                resume(state.withLock { $0.goOn(with: segment) })
            } catch {
                logger.critical("the outbox cannot be written", metadata: ["error": "\(error)"])
                return resume(state.withLock { $0.stop(work, because: error) })
            }
        }
    }

    /// Those of one loop together, on it: resumed from here, each would wake the loop for itself.
    private func resume(_ waiters: [Waiter]) {
        var left = waiters
        while let loop = left.first?.loop {
            let here = left.filter { $0.loop === loop }
            left.removeAll { $0.loop === loop }
            loop.execute { for waiter in here { waiter.continuation.resume() } }
        }
    }

    /// Brings to the disk what the system has of the files, and tries again what could not be done.
    func keepUpFiles() throws(OutboxError) {
        defer { work() }
        let unsynced = state.withLock { state in
            state.rest()
            return state.segments.takeUnsynced()
        }
        for segment in unsynced { try segment.sync() }
    }

    /// Leaves the files that hold something, and no other.
    func end() {
        do throws(OutboxError) {
            work()
            try keepUpFiles()
            for segment in state.withLock({ $0.segments.takeFree() }) { try files.remove(segment.number) }
        } catch {
            logger.error("the outbox was not closed well", metadata: ["error": "\(error)"])
        }
    }
}
