/// What a node keeps in memory of the rows in its files: where they stand, and which are not forgotten.
struct OutboxExtents: Sendable, Hashable {
    /// Rows with numbers that follow one another and that stand behind one another in one segment.
    struct Extent: Sendable, Hashable {
        let segment: Int
        /// Where in it the first row begins.
        let start: Int
        let first: Int
        fileprivate(set) var bytes = 0
        /// When each was made, milliseconds since 1970; 0: it is forgotten.
        fileprivate var madeAtMs: [Int] = []
        fileprivate var left = 0
        /// All before it are forgotten.
        fileprivate var oldest = 0

        var count: Int { madeAtMs.count }
        var numbers: Range<Int> { first..<(first + count) }
    }

    /// By number.
    private(set) var all: [Extent] = []
    private(set) var bytes = 0

    /// When the oldest row was made, nearly; nil: there is none.
    var oldestAtMs: Int? { all.first.map { $0.madeAtMs[$0.oldest] } }

    func holds(segment: Int) -> Bool { all.contains { $0.segment == segment } }

    /// - Parameter number: higher than any before.
    mutating func append(_ number: Int, atMs: Int, bytes: Int, segment: Int, at start: Int) {
        if all.last?.segment != segment || all.last?.numbers.upperBound != number {
            all.append(Extent(segment: segment, start: start, first: number))
        }
        all[all.count - 1].bytes += bytes
        all[all.count - 1].madeAtMs.append(max(1, atMs))
        all[all.count - 1].left += 1
        self.bytes += bytes
    }

    /// Forgets one row. Returns its segment if that holds none any more.
    mutating func forget(_ number: Int) -> Int? {
        guard let index = index(of: number), all[index].madeAtMs[number - all[index].first] != 0 else { return nil }
        all[index].madeAtMs[number - all[index].first] = 0
        all[index].left -= 1
        guard all[index].left == 0 else {
            // Mostly the oldest: they are forgotten nearly in the order in which they are made.
            while all[index].madeAtMs[all[index].oldest] == 0 { all[index].oldest += 1 }
            return nil
        }
        let extent = all.remove(at: index)
        bytes -= extent.bytes
        return holds(segment: extent.segment) ? nil : extent.segment
    }

    /// The extent of a row that is not forgotten.
    func extent(of number: Int) -> Extent? {
        guard let index = index(of: number), all[index].madeAtMs[number - all[index].first] != 0 else { return nil }
        return all[index]
    }

    private func index(of number: Int) -> Int? {
        var (low, high) = (0, all.count)
        while low < high {
            let middle = (low + high) / 2
            if all[middle].first <= number { low = middle + 1 } else { high = middle }
        }
        return low > 0 && all[low - 1].numbers.contains(number) ? low - 1 : nil
    }
}
