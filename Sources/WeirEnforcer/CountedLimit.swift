import WeirCore
import WeirRedis

/// One limit that covers a call, and the counter that it counts the call in: what stays the same from call to call, until
/// the period ends. A class, since every call names several.
final class CountedLimit: Sendable {
    let limit: Limit
    let subject: Subject
    /// ``Subject/text``.
    let subjectText: String
    let shard: Shard
    let counter: CounterKey
    let amount: Int
    let source: Limit.AmountSource

    init(
        limit: Limit, subject: Subject, subjectText: String, shard: Shard, counter: CounterKey, amount: Int,
        source: Limit.AmountSource
    ) {
        self.limit = limit
        self.subject = subject
        self.subjectText = subjectText
        self.shard = shard
        self.counter = counter
        self.amount = amount
        self.source = source
    }
}
