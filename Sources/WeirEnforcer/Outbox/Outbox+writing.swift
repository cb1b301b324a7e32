#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
import GRDB
import Logging
import NIOCore
import Synchronization
import WeirRedis

/// On the writer's thread.
extension Outbox {
    /// A transaction costs about as much with a hundred settlements as with one. So while calls end at the same time a batch
    /// waits for more of them, which nobody notices at the end of a model's answer; a call that is alone hardly ever waits.
    private static let gatherMicros: UInt32 = 3_000

    func writePending(_ db: Database) {
        while true {
            if state.withLock({ $0.hadCompany }) { usleep(Self.gatherMicros) }
            let batch = state.withLock { state in
                state.hadCompany = (state.open?.rows.count ?? 0) > 1
                state.closeBatch()
                defer { state.pending = [] }
                if state.pending.isEmpty { state.isScheduled = false }
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
            for case .insert(let batch) in batch {
                state.writtenUpTo = max(state.writtenUpTo, batch.first + batch.rows.count - 1)
            }
            let writtenUpTo = state.writtenUpTo
            let done = state.waiters.filter { $0.number <= writtenUpTo || fault != nil }
            if !done.isEmpty { state.waiters.removeAll { $0.number <= writtenUpTo || fault != nil } }
            return done
        }
        resume(done)
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

    /// Tries again what could not be written.
    func writeAgain() {
        let isFirst = state.withLock { state in
            state.closeBatch()
            guard !state.pending.isEmpty, !state.isScheduled else { return false }
            state.isScheduled = true
            return true
        }
        if isFirst { file.schedule { self.writePending($0) } }
    }
}
