import WeirCore

/// What stands under a reservation's id: lua/lib/record.lua, read.
package enum ReservationRecord: Sendable, Hashable {
    case held(HeldRecord)
    case settled
    /// With its record, if it was kept.
    case released(HeldRecord?)
    case orphaned(HeldRecord?)

    /// Nil if it cannot be read.
    package init?(_ text: String) {
        if let held = HeldRecord(text[...]) {
            self = .held(held)
            return
        }
        let lines = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        let kept = lines.count == 2 ? HeldRecord(lines[1]) : nil
        switch lines[0].prefix(while: { $0 != " " }) {
        case "settled": self = .settled
        case "released": self = .released(kept)
        case "orphaned": self = .orphaned(kept)
        // Known from the ledger alone.
        case "counted": self = .orphaned(nil)
        default: return nil
        }
    }
}

/// A reservation as its node, or whoever renewed it, left it.
package struct HeldRecord: Sendable, Hashable {
    package let leaseEndMs: Int
    /// Within two seconds.
    package let admittedMs: Int
    /// Units, in the order of the counters.
    package let held: [Int]
    package let call: CallRecord
    /// As of the last renewal; nil: there was none.
    package let observed: UsageEvent?

    /// Three lines. Nil if they cannot be read.
    package init?(_ text: Substring) {
        let lines = text.split(separator: "\n", maxSplits: 2, omittingEmptySubsequences: false)
        guard lines.count == 3, let call = try? CallRecord(json: Array(lines[1].utf8)) else { return nil }
        let header = lines[0].split(separator: " ", omittingEmptySubsequences: false)
        guard header.count == 3, let leaseEndMs = Int(header[0]), let admittedMs = Int(header[1]) else { return nil }
        self.leaseEndMs = leaseEndMs
        self.admittedMs = admittedMs
        held = header[2].split(separator: ",").map { Int($0) ?? 0 }
        self.call = call
        if lines[2].isEmpty {
            observed = nil
        } else {
            guard let event = try? UsageEvent(json: Array(lines[2].utf8)) else { return nil }
            observed = event
        }
    }
}
