/// Gathers the outcomes of commands that were sent together. On the loop.
final class RedisReplies {
    private var outcomes: [RedisCall.Outcome]
    private var missing: Int
    private let whenComplete: ([RedisCall.Outcome]) -> Void

    init(count: Int, whenComplete: @escaping ([RedisCall.Outcome]) -> Void) {
        outcomes = Array(repeating: .failure(.timedOut), count: count)
        missing = count
        self.whenComplete = whenComplete
    }

    /// Of each command once.
    func take(_ outcome: RedisCall.Outcome, at index: Int) {
        outcomes[index] = outcome
        missing -= 1
        if missing == 0 { whenComplete(outcomes) }
    }
}
