import WeirCore
import WeirLedger

/// Entries of all shards, decoded: what one transaction writes, and what is acknowledged afterwards.
struct StreamBatch: Sendable {
    var events: [UsageEvent] = []
    var deadLetters: [DeadLetter] = []
    /// What is to be acknowledged, by the place of the stream.
    var ids: [(index: Int, ids: [String])] = []
    /// Entries that were gone before they were read, likewise.
    var lost: [(index: Int, id: String)] = []
    /// Events of models without a price of their own, and those models.
    var unpricedEvents = 0
    var unpricedModels: Set<String> = []
    /// Some shard gave as many new entries as were asked for: there are probably more.
    var isFull = false
    var entries: Int { ids.reduce(0) { $0 + $1.ids.count } }

    mutating func reserve(_ count: Int) { events.reserveCapacity(count) }

    /// - Parameter seenAtMs: of dead letters.
    mutating func add(_ entries: [StreamEntry], of stream: String, at index: Int, largestBytes: Int, seenAtMs: Int) {
        for entry in entries {
            switch entry.content(largestBytes: largestBytes) {
            case .event(let event):
                if !event.isModelKnown {
                    unpricedEvents += 1
                    unpricedModels.insert(event.model)
                }
                events.append(event)
            case .poison(let raw, let error):
                deadLetters.append(
                    DeadLetter(stream: stream, streamID: entry.id, raw: raw, error: error, seenAtMs: seenAtMs))
            case .lost: lost.append((index, entry.id))
            }
        }
        ids.append((index, entries.map(\.id)))
    }
}
