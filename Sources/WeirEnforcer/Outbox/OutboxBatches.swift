/// What a node keeps in memory of the batches in its file: which of them still hold something.
struct OutboxBatches: Sendable, Hashable {
    struct Batch: Sendable, Hashable {
        let first: Int
        var count: Int
        /// So many of its settlements are not forgotten.
        var left: Int
        var bytes: Int
    }

    /// By number.
    private(set) var all: [Batch] = []
    private(set) var bytes = 0

    /// Of a file: with rising numbers.
    mutating func append(first: Int, count: Int, bytes: Int) {
        all.append(Batch(first: first, count: count, left: count, bytes: bytes))
        self.bytes += bytes
    }

    /// One settlement more in the last of them.
    mutating func grow(by bytes: Int) {
        guard !all.isEmpty else { return }
        all[all.count - 1].count += 1
        all[all.count - 1].left += 1
        all[all.count - 1].bytes += bytes
        self.bytes += bytes
    }

    /// Forgets one settlement. Returns the first number of its batch if it was the batch's last, which is then gone.
    mutating func forget(_ number: Int) -> Int? {
        guard let index = index(of: number) else { return nil }
        all[index].left -= 1
        guard all[index].left == 0 else { return nil }
        let batch = all[index]
        bytes -= batch.bytes
        // Mostly the first: they are forgotten nearly in the order in which they are made.
        all.remove(at: index)
        return batch.first
    }

    private func index(of number: Int) -> Int? {
        var (low, high) = (0, all.count)
        while low < high {
            let middle = (low + high) / 2
            if all[middle].first <= number { low = middle + 1 } else { high = middle }
        }
        guard low > 0, number < all[low - 1].first + all[low - 1].count else { return nil }
        return low - 1
    }
}
