/// What a node keeps in memory of the rows in its files: where they stand, and which are not forgotten.
struct OutboxExtents: Sendable, Hashable {
    /// Rows with numbers that follow one another and that stand behind one another in one segment.
    struct Extent: Sendable, Hashable {
        let segment: Int
        /// Where in it the first row begins.
        let start: Int
        let first: Int
        fileprivate var rows: [Row] = []
        fileprivate var left = 0
        /// All before it are forgotten.
        fileprivate var oldest = 0

        var count: Int { rows.count }
        var numbers: Range<Int> { first..<(first + count) }
    }

    fileprivate struct Row: Sendable, Hashable {
        /// Milliseconds since 1970; 0: it is forgotten.
        var madeAtMs: Int
        let bytes: Int
    }

    /// By number.
    private(set) var all: [Extent] = []
    /// Of the rows that are not forgotten.
    private(set) var bytes = 0
    /// Extents of each segment that holds rows.
    private var segments: [Int: Int] = [:]

    /// When the oldest row was made, nearly; nil: there is none.
    var oldestAtMs: Int? { all.first.map { $0.rows[$0.oldest].madeAtMs } }

    /// So many segments hold rows.
    var segmentCount: Int { segments.count }

    func holds(segment: Int) -> Bool { segments[segment] != nil }

    /// - Parameter number: higher than any before.
    mutating func append(_ number: Int, atMs: Int, bytes: Int, segment: Int, at start: Int) {
        if all.last?.segment != segment || all.last?.numbers.upperBound != number {
            all.append(Extent(segment: segment, start: start, first: number))
            segments[segment, default: 0] += 1
        }
        all[all.count - 1].rows.append(Row(madeAtMs: max(1, atMs), bytes: bytes))
        all[all.count - 1].left += 1
        self.bytes += bytes
    }

    /// Forgets one row. Returns its segment if that holds none any more.
    mutating func forget(_ number: Int) -> Int? {
        guard let (index, row) = place(of: number) else { return nil }
        all[index].rows[row].madeAtMs = 0
        all[index].left -= 1
        bytes -= all[index].rows[row].bytes
        guard all[index].left == 0 else {
            // Mostly the oldest: they are forgotten nearly in the order in which they are made.
            while all[index].rows[all[index].oldest].madeAtMs == 0 { all[index].oldest += 1 }
            return nil
        }
        let segment = all.remove(at: index).segment
        segments[segment, default: 1] -= 1
        guard segments[segment] == 0 else { return nil }
        segments[segment] = nil
        return segment
    }

    func holds(_ number: Int) -> Bool { place(of: number) != nil }

    /// The extent of a row that is not forgotten.
    func extent(of number: Int) -> Extent? { place(of: number).map { all[$0.extent] } }

    private func place(of number: Int) -> (extent: Int, row: Int)? {
        var (low, high) = (0, all.count)
        while low < high {
            let middle = (low + high) / 2
            if all[middle].first <= number { low = middle + 1 } else { high = middle }
        }
        guard low > 0, all[low - 1].numbers.contains(number) else { return nil }
        let row = number - all[low - 1].first
        return all[low - 1].rows[row].madeAtMs == 0 ? nil : (low - 1, row)
    }
}
