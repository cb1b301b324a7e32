import Synchronization

/// How far requests have come that take long, while they run: each under the id that its maker gave it.
final class WorkBoard: Sendable {
    struct Place: Sendable, Hashable {
        var done = 0
        /// About; 0: not known yet.
        var total = 0
    }

    /// Further ones run all the same, and are not shown.
    static let most = 100

    private let places = Mutex<[String: Place]>([:])

    func place(of id: String) -> Place? { places.withLock { $0[id] } }

    /// Runs `body`, and shows what it says of itself until it ends.
    /// - Parameter id: nil: nobody wants to know.
    nonisolated(nonsending) func showing<Result>(
        _ id: String?, _ body: (@escaping @Sendable (_ done: Int, _ total: Int) -> Void) async throws -> Result
    ) async rethrows -> Result {
        guard let id, begin(id) else { return try await body { _, _ in } }
        defer { places.withLock { _ = $0.removeValue(forKey: id) } }
        return try await body { done, total in self.places.withLock { $0[id] = Place(done: done, total: total) } }
    }

    private func begin(_ id: String) -> Bool {
        places.withLock { places in
            guard places.count < Self.most, places[id] == nil else { return false }
            places[id] = Place()
            return true
        }
    }
}
