/// The segments that this process has in memory: one takes the lines, some wait to, others still hold rows or are through.
struct OutboxSegments: Sendable {
    struct Filled: Sendable {
        let segment: OutboxSegment
        /// So many bytes of it are lines.
        let used: Int
    }

    /// What a segment that holds nothing any more is.
    enum Spent: Sendable {
        case filled(Filled)
        /// An earlier process's: its file alone.
        case file(Int)
    }

    /// So many wait at most; what is through beyond that is removed.
    static let mostFree = 4

    private(set) var current: Filled?
    private(set) var free: [OutboxSegment] = []
    /// By number.
    private var full: [Int: Filled] = [:]
    private(set) var spent: [Spent] = []
    /// Lines in them may not be on the disk.
    private var unsynced: [OutboxSegment] = []
    private var lastNumber = 0

    /// One more than any before.
    mutating func nextNumber() -> Int {
        lastNumber += 1
        return lastNumber
    }

    /// A number that an earlier process has used.
    mutating func pass(_ number: Int) { lastNumber = max(lastNumber, number) }

    mutating func add(free segment: OutboxSegment) { free.append(segment) }

    /// Copies a line into the current one. Nil: it has no room.
    mutating func append(_ line: [UInt8]) -> (segment: Int, start: Int)? {
        guard let filled = current, line.count <= filled.segment.capacity - filled.used else { return nil }
        filled.segment.append(line, at: filled.used)
        current = Filled(segment: filled.segment, used: filled.used + line.count)
        if unsynced.last !== filled.segment { unsynced.append(filled.segment) }
        return (filled.segment.number, filled.used)
    }

    /// Makes a free one with so much room the current one. False: there is none.
    mutating func turn(room: Int, isHeld: (Int) -> Bool) -> Bool {
        guard let index = free.firstIndex(where: { $0.capacity >= room }) else { return false }
        if let old = current {
            if isHeld(old.segment.number) { full[old.segment.number] = old } else { spent.append(.filled(old)) }
        }
        current = Filled(segment: free.remove(at: index), used: 0)
        return true
    }

    /// Nothing in it is kept any more.
    mutating func release(_ number: Int) {
        if let filled = full.removeValue(forKey: number) { return spent.append(.filled(filled)) }
        // The current one takes more lines.
        if current?.segment.number != number { spent.append(.file(number)) }
    }

    mutating func takeSpent() -> Spent? { spent.popLast() }

    mutating func giveBack(_ segment: Spent) { spent.append(segment) }

    /// The current one, which holds nothing any more, is spent, if there is one to take its place.
    mutating func rest() {
        guard let old = current, !free.isEmpty else { return }
        spent.append(.filled(old))
        current = nil
    }

    mutating func takeFree() -> [OutboxSegment] {
        defer { free = [] }
        return free
    }

    /// Those whose lines may not be on the disk.
    mutating func takeUnsynced() -> [OutboxSegment] {
        defer { unsynced = [] }
        return unsynced
    }
}
