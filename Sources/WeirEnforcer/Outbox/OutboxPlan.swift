import WeirRedis

/// Where a settlement's event was handed on: in which life of its shard's stream, and at which id.
struct HandedOn: Sendable, Hashable {
    /// The start of redis-server, as the node knew it before it sent; empty: it did not.
    var run: String
    /// The shard's epoch, or while it had none the stream's life.
    var life: String
    /// There, or before it.
    var id: StreamID
}

/// What is to be done with what an outbox holds, as pure values.
enum OutboxPlan {
    enum Standing: Sendable, Hashable {
        /// The ledger has it: the outbox may forget it.
        case committed
        /// It stands in the stream.
        case waits
        /// Nobody knows whether Redis still has it: it is sent again.
        case lost
    }

    /// - Parameters:
    ///   - epoch: the shard's now; nil: it is not ready.
    ///   - run: redis-server's now. Until an aggregator has been at work in it, the mark is of an earlier one.
    ///
    /// Ids begin anew after a loss, and may come twice, so an id counts only where run and life are the same: FLUSHALL
    /// takes epoch and life away; a redis-server that comes back with an older state has another run.
    static func standing(_ place: HandedOn, epoch: String?, mark: CommittedMark, run: String) -> Standing {
        if let below = mark.below {
            guard place.run == mark.run || place.run == run else { return .lost }
            if place.run == mark.run, place.life == mark.epoch || place.life == mark.life, place.id < below {
                return .committed
            }
        }
        return place.life == epoch || place.life == mark.life ? .waits : .lost
    }

    /// How a settlement is repeated that may have been charged already.
    enum Repetition: Sendable, Hashable {
        /// Whole: by its id Redis knows whether it was charged.
        case settle
        /// Its event alone. Redis has forgotten what it knew, and its counters are made of what the ledger has.
        case handOn
    }

    /// - Parameter epoch: in which it may have been charged; nil: in any.
    /// - Parameter now: the shard's epoch; nil: it is not ready.
    static func repetition(mayHaveRunIn epoch: String?, now: String?) -> Repetition {
        if let epoch, epoch == now { .settle } else { .handOn }
    }
}
