import Logging
import Synchronization
import WeirRedis

extension Outbox {
    /// Those of them that are in files and not forgotten.
    func rows(_ numbers: [Int]) async throws(OutboxError) -> [OutboxRow] {
        let wanted = Set(numbers)
        return try await files.wait { self.read { state in Self.extents(of: numbers, in: state.extents) } }
            .filter { wanted.contains($0.number) }
    }

    /// The first of them that are not forgotten: `count` at least, if there are so many.
    func rows(in numbers: ClosedRange<Int>, count: Int) async throws(OutboxError) -> [OutboxRow] {
        try await files.wait {
            self.read { state in
                var found = 0
                return state.extents.all.filter { extent in
                    guard found < count, extent.numbers.overlaps(Range(numbers)) else { return false }
                    found += extent.count
                    return true
                }
            }
        }
        .filter { numbers.contains($0.number) }
    }

    private static func extents(of numbers: [Int], in extents: OutboxExtents) -> [OutboxExtents.Extent] {
        var chosen: [OutboxExtents.Extent] = []
        for number in numbers.sorted() where chosen.last?.numbers.contains(number) != true {
            if let extent = extents.extent(of: number) { chosen.append(extent) }
        }
        return chosen
    }

    /// On the thread of the files, where no segment takes other lines meanwhile than those behind these.
    private func read(_ choose: (borrowing State) -> [OutboxExtents.Extent]) -> Result<[OutboxRow], OutboxError> {
        let extents = state.withLock { choose($0) }
        return Result { () throws(OutboxError) in
            var rows: [OutboxRow] = []
            for extent in extents {
                let content = try files.content(extent.segment, from: extent.start, first: extent.first)
                rows += content.rows.prefix(extent.count).map(\.row)
            }
            return rows
        }
    }
}

extension Outbox.State {
    /// What an earlier process has left in the files.
    mutating func inherit(from files: OutboxFiles, _ logger: Logger) throws(OutboxError) {
        for segment in try files.segments() {
            segments.pass(segment)
            let content = try files.content(segment, first: lastNumber + 1)
            for row in content.rows {
                lastNumber = row.row.number
                extents.append(lastNumber, atMs: row.row.atMs, bytes: row.bytes, segment: segment, at: row.start)
                rows[row.row.script.shard.number, default: 0] += 1
            }
            if content.fragments > 0 {
                logger.warning(
                    "settlements that were not written to their end when a process or the machine died",
                    metadata: ["count": "\(content.fragments)", "path": "\(files.path(segment))"])
            }
            if content.rows.isEmpty { segments.release(segment) }
        }
        guard lastNumber > 0 else { return }
        (count, writtenUpTo, inherited) = (lastNumber, lastNumber, 1...lastNumber)
        logger.notice(
            "the outbox holds calls of an earlier process; they are settled now",
            metadata: ["rows": "\(count)", "bytes": "\(bytes)", "path": "\(files.directory)"])
    }
}
