/// What stands in Redis of a shard's stream: how far the ledger has it (lua/trim.lua), and its life (lua/resend.lua).
package struct CommittedMark: Sendable, Hashable {
    /// Events were sent again in this life of the stream; empty: none were.
    package var life = ""
    /// The start of redis-server in which ``below`` was said.
    package var run = ""
    /// The shard's epoch then; empty: it was not ready.
    package var epoch = ""
    /// Every event with a lower id is in the ledger. Nil: nothing has been said yet.
    package var below: StreamID?

    package init(life: String = "", run: String = "", epoch: String = "", below: StreamID? = nil) {
        (self.life, self.run, self.epoch, self.below) = (life, run, epoch, below)
    }

    /// The command that reads it.
    package static func read(_ shard: Shard) -> [RedisArgument] {
        ["HMGET", .string(RedisKeys.committed(shard)), "life", "run", "epoch", "below"]
    }

    /// The reply of ``read(_:)``; nil: it is another command's.
    package init?(_ reply: RedisValue) {
        guard case .array(let fields) = reply, fields.count == 4 else { return nil }
        let texts = fields.map { $0.plainText ?? "" }
        self.init(life: texts[0], run: texts[1], epoch: texts[2], below: StreamID(texts[3]))
    }
}
