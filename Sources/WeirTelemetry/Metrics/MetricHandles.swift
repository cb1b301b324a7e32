import CoreMetrics
import Synchronization

// What a handle of swift-metrics does here: one or two relaxed additions, no lock, no allocation.

/// A number that only grows.
final class CounterCell: CounterHandler {
    private let total = Atomic<Int>(0)

    var value: Int { total.load(ordering: .relaxed) }

    /// A counter never goes down: a negative amount is left out. It wraps where Prometheus would long have lost count.
    func increment(by amount: Int64) {
        guard amount > 0 else { return }
        total.wrappingAdd(Int(amount), ordering: .relaxed)
    }

    func reset() { total.store(0, ordering: .relaxed) }
}

/// A number that goes up and down, also in fractions.
final class GaugeCell: RecorderHandler, MeterHandler {
    private let bits = Atomic<UInt64>(0)

    var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
    func increment(by amount: Double) { add(amount) }
    func decrement(by amount: Double) { add(-amount) }

    private func add(_ amount: Double) {
        var known = bits.load(ordering: .relaxed)
        while true {
            let next = (Double(bitPattern: known) + amount).bitPattern
            let (done, seen) = bits.weakCompareExchange(expected: known, desired: next, ordering: .relaxed)
            if done { return }
            known = seen
        }
    }
}

/// How often something took how long.
final class HistogramCell: TimerHandler, RecorderHandler {
    private final class Cell: Sendable {
        let count = Atomic<Int>(0)
    }

    let boundsNs: [Int]
    /// One for each bound, and one for what lies above the last.
    private let cells: [Cell]
    private let sum = Atomic<Int>(0)

    init(boundsNs: [Int]) {
        self.boundsNs = boundsNs
        cells = (0...boundsNs.count).map { _ in Cell() }
    }

    func recordNanoseconds(_ duration: Int64) {
        let ns = max(0, Int(duration))
        var index = 0
        while index < boundsNs.count, ns > boundsNs[index] { index += 1 }
        cells[index].count.wrappingAdd(1, ordering: .relaxed)
        sum.wrappingAdd(ns, ordering: .relaxed)
    }

    func record(_ value: Int64) { recordNanoseconds(value) }
    func record(_ value: Double) {
        guard value.isFinite, abs(value) < 9e18 else { return }
        recordNanoseconds(Int64(value))
    }

    /// Counts up to each bound, the last one of all; and the sum.
    var reading: (cumulative: [Int], sumNs: Int) {
        var total = 0
        let cumulative = cells.map { cell in
            total += cell.count.load(ordering: .relaxed)
            return total
        }
        return (cumulative, sum.load(ordering: .relaxed))
    }
}
