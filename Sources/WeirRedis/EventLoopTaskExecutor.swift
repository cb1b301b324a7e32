import NIOCore

/// Runs tasks on one event loop, so that awaiting a reply of a connection of that loop costs no thread hop.
///
/// `Task(executorPreference:)` does not keep its executor alive: make one per loop and keep it as long as the loop.
package final class EventLoopTaskExecutor: TaskExecutor {
    package let eventLoop: any EventLoop

    package init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
