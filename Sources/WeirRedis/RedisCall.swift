import Synchronization

/// A caller that waits for one outcome and gets exactly one, from whoever is first: the reply, the deadline, the end
/// of the connection, or the cancellation of its task.
final class RedisCall: Sendable {
    typealias Outcome = Result<RedisValue, RedisError>

    private static let created: UInt8 = 0
    private static let waiting: UInt8 = 1
    private static let finished: UInt8 = 2

    private let stage = Atomic<UInt8>(created)
    /// Safe without a lock: written once, before `stage` becomes `waiting`, and read only by the one who moved `stage`
    /// from `waiting` to `finished`.
    nonisolated(unsafe) private var continuation: UnsafeContinuation<Outcome, Never>?

    /// Suspends the task until ``finish(_:)``; `submit` starts the work and is left out when the task is cancelled.
    static func outcome(_ submit: (RedisCall) -> Void) async -> Outcome {
        let call = RedisCall()
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                if call.begin(continuation) { submit(call) }
            }
        } onCancel: {
            call.finish(.failure(.cancelled))
        }
    }

    private func begin(_ continuation: UnsafeContinuation<Outcome, Never>) -> Bool {
        self.continuation = continuation
        let (begun, _) = stage.compareExchange(
            expected: Self.created, desired: Self.waiting, ordering: .acquiringAndReleasing)
        // Cancelled before it began: nobody else will resume it.
        if !begun { continuation.resume(returning: .failure(.cancelled)) }
        return begun
    }

    /// Gives the outcome. All but the first are ignored. Any thread.
    func finish(_ outcome: Outcome) {
        guard stage.exchange(Self.finished, ordering: .acquiringAndReleasing) == Self.waiting else { return }
        continuation?.resume(returning: outcome)
    }

    var isFinished: Bool { stage.load(ordering: .acquiring) == Self.finished }
}
