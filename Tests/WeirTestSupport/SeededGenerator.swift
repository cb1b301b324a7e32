import WeirChaos

/// Random numbers that can be had again: put ``seed`` into a failing test's message, and give it to `init` to repeat.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    package let seed: UInt64
    private var numbers: SplitMix64

    package init(seed: UInt64 = .random(in: .min ... .max)) {
        self.seed = seed
        numbers = SplitMix64(seed: seed)
    }

    package mutating func next() -> UInt64 { numbers.next() }
}
