/// What a ``ChaosProxy`` does to the bytes that pass it. The value of all defaults does nothing.
package struct ChaosFaults: Sendable, Equatable {
    /// How a connection is ended.
    package enum Ending: String, Sendable, CaseIterable {
        /// RST: what is under way is lost.
        case reset
        /// FIN on both sides, in good order.
        case close
        /// FIN towards the client alone: it reads an end, and what it writes still reaches the server.
        case halfClose = "half-close"
    }

    /// Which bytes ``delay``, ``bytesPerSecond``, ``isBlackHole``, ``writesSingleBytes`` and ``cutAfter`` are about.
    package enum Way: String, Sendable, CaseIterable {
        case both
        /// From the client to the server: questions.
        case up
        /// From the server to the client: answers. With a black hole, what was asked is done and nobody learns of it.
        case down

        func covers(_ way: Way) -> Bool { self == .both || self == way }
    }

    /// How much later each piece of bytes arrives.
    package var delay: Duration = .zero
    /// Up to so much more, drawn for each piece. Pieces keep their order.
    package var jitter: Duration = .zero
    /// The most on each way of each connection; nil: no bound.
    package var bytesPerSecond: Int?
    /// Nothing arrives, and no connection ends. What was sent meanwhile arrives when it is over.
    package var isBlackHole = false
    /// Each byte is written by itself.
    package var writesSingleBytes = false
    /// Each connection is ended after so many bytes, drawn from these; nil: none is.
    package var cutAfter: ClosedRange<Int>?
    /// How ``cutAfter`` ends a connection.
    package var ending = Ending.reset
    /// Of a hundred new connections so many are reset before their first byte.
    package var refusedPercent = 0
    package var way = Way.both

    package init() {}

    /// One fault of moderate strength, or none: what `weir chaos --shuffle` takes turns with.
    package static func random(using generator: inout SplitMix64) -> ChaosFaults {
        var faults = ChaosFaults()
        faults.way = Way.allCases.randomElement(using: &generator) ?? .both
        faults.ending = Ending.allCases.randomElement(using: &generator) ?? .reset
        switch Int.random(in: 0..<7, using: &generator) {
        case 0: faults.delay = .milliseconds(Int.random(in: 1...300, using: &generator))
        case 1: faults.jitter = .milliseconds(Int.random(in: 1...300, using: &generator))
        case 2: faults.bytesPerSecond = Int.random(in: 1_000...100_000, using: &generator)
        case 3: faults.isBlackHole = true
        case 4: faults.writesSingleBytes = true
        case 5: faults.cutAfter = 1...Int.random(in: 1...20_000, using: &generator)
        default: break
        }
        return faults
    }
}
