import WeirCore
import WeirRedis

/// A record as it was left: the call, and the event it is charged by.
struct ExpiredReservation: Sendable {
    let call: CallRecord
    let event: UsageEvent
    /// Within two seconds.
    let admittedMs: Int
    private let held: [Int]

    /// What each counter is charged. A window is given nothing back: the record does not say exactly in which part of the
    /// window the call was admitted, and what is given back in another part would let more than the amount through.
    var charges: [(counter: CounterKey, units: Int)] {
        zip(call.holds, call.units(of: event)).enumerated().map { index, charge in
            guard case .ring = charge.0.counter, index < held.count else { return (charge.0, charge.1) }
            return (charge.0, max(charge.1, held[index]))
        }
    }

    /// What a window is charged, and nothing else.
    var windowsOnly: [(counter: CounterKey, units: Int)] {
        charges.map { charge in
            if case .ring = charge.counter.counter { charge } else { (charge.counter, 0) }
        }
    }

    /// Nil if it cannot be read.
    init?(record: String, _ orphans: Policy.Orphans = .observed) {
        guard let record = HeldRecord(record[...]) else { return nil }
        (held, admittedMs, call) = (record.held, record.admittedMs, record.call)
        var event = record.observed ?? record.call.event
        (event.outcome, event.isOK) = (.orphaned, false)
        switch orphans {
        case .observed: break
        case .reserved: event.raise(to: record)
        case .none: (event.tokens, event.cost) = (.zero, .zero)
        }
        self.event = event
    }
}

extension UsageEvent {
    /// To what the call's limits held of money and of tokens, where one of them held any; tokens beyond those observed count
    /// as output.
    fileprivate mutating func raise(to record: HeldRecord) {
        for (unit, held) in zip(record.call.units, record.held) {
            switch unit {
            case .usd: cost = max(cost, MicroUSD(micros: held))
            case .tokens: tokens.output = tokens.output.addingSaturated(max(0, held - tokens.total))
            case .requests, .concurrency, nil: break
            }
        }
    }
}
