import NIOCore

/// Runs tasks on one event loop, so that awaiting a reply of a connection of that loop costs no thread hop.
///
/// `Task(executorPreference:)` does not keep its executor alive: make one per loop and keep it as long as the loop.
package final class EventLoopTaskExecutor: TaskExecutor {
    package let eventLoop: any EventLoop

    /// Jobs that came from the loop itself since the last batch. They are run together: a reply that wakes many tasks
    /// costs one entry in the loop's own queue, which is locked, instead of many.
    private let batch: NIOLoopBoundBox<[UnownedJob]>

    package init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        batch = NIOLoopBoundBox.makeBoxSendingValue([], eventLoop: eventLoop)
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        guard eventLoop.inEventLoop else {
            return eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }
        let isFirst = batch.withValue { batch in
            batch.append(job)
            return batch.count == 1
        }
        if isFirst { eventLoop.execute { self.runBatch() } }
    }

    private func runBatch() {
        let executor = asUnownedTaskExecutor()
        let jobs = batch.withValue { batch in
            defer {
                batch = []
                batch.reserveCapacity(16)
            }
            return batch
        }
        for job in jobs { job.runSynchronously(on: executor) }
    }
}
