import NIOCore

/// A reply that is still to come, and who waits for it.
struct RedisAwaited {
    var waiter: RedisWaiter
    let sentAt: NIODeadline
    let deadline: NIODeadline
}

/// Who gets the outcome of a command.
enum RedisWaiter {
    case call(RedisCall)
    /// The client itself: login, probes, tracking. Called on the loop.
    case callback((RedisCall.Outcome) -> Void)
    /// Nobody any more; the reply is still to come and must be taken off the line.
    case abandoned

    func finish(_ outcome: RedisCall.Outcome) {
        switch self {
        case .call(let call): call.finish(outcome)
        case .callback(let body): body(outcome)
        case .abandoned: break
        }
    }
}
