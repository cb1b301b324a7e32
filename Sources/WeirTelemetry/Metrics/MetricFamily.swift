/// One metric with all its labels: what `/metrics` says of it, and where its buckets are.
package struct MetricFamily: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable {
        case counter, gauge
        /// In seconds; handles record nanoseconds.
        case histogram
    }

    package let name: String
    package let kind: Kind
    /// One sentence.
    package let help: String
    /// Their names, in the order in which values are given.
    package let labels: [String]
    /// The upper bounds of a histogram's buckets in nanoseconds, ascending; the last bucket has none.
    package let boundsNs: [Int]

    package init(_ name: String, _ kind: Kind, _ help: String, labels: [String] = [], boundsNs: [Int] = []) {
        self.name = name
        self.kind = kind
        self.help = help
        self.labels = labels
        self.boundsNs = boundsNs
    }

    /// From a tenth of a millisecond to ten seconds, two or three to a power of ten.
    package static let latencyBoundsNs = [
        100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000,
        250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000, 10_000_000_000,
    ]
}
