import NIOHTTP1
import Synchronization

/// Every call that reached the simulator: the independent witness that ledgers and counters are compared with.
///
/// Bounded: at least `capacity` calls are kept, and the oldest go first. Headers are kept for the newest
/// ``headersKept`` calls. Names (API keys, models, paths) are kept once each.
final class CallLog: Sendable {
    /// Calls whose headers are kept.
    static let headersKept = 4096
    /// Different names kept; whoever sends more sees the rest logged as `(other)`.
    static let namesKept = 65_536
    /// Calls are dropped by the segment, so that nothing is ever moved.
    private static let segmentLength = 4096

    /// What is known of a call when it arrives.
    struct Arrival {
        var key: String
        var endpoint: String
        var headers: HTTPHeaders
        var request: String?
        var calledAtMs: Int64
    }

    private struct Entry {
        var usage = SimulatedUsage()
        var calledAtMs: Int64
        var request: String?
        var key: Int32
        var endpoint: Int32
        var model: Int32 = 0
        var status: UInt16 = 0
        var outcome = SimulatedCall.Outcome.open
        var isStream = false
    }

    private struct State {
        var segments: [[Entry]] = []
        /// The id of the first entry of the first segment.
        var firstID = 1
        var names: [String] = [""]
        var nameIndex: [String: Int32] = ["": 0]
        var headers: [(id: Int, headers: HTTPHeaders)] = []

        var nextID: Int {
            guard let last = segments.last else { return firstID }
            return firstID + (segments.count - 1) * segmentLength + last.count
        }

        mutating func intern(_ name: String) -> Int32 {
            if let index = nameIndex[name] { return index }
            let kept = names.count < namesKept ? name : "(other)"
            if let index = nameIndex[kept] { return index }
            let index = Int32(names.count)
            names.append(kept)
            nameIndex[kept] = index
            return index
        }

        func position(of id: Int) -> (segment: Int, offset: Int)? {
            guard id >= firstID, id < nextID else { return nil }
            return (id - firstID).quotientAndRemainder(dividingBy: segmentLength) as (Int, Int)
        }
    }

    private let state = Mutex(State())
    private let segmentBound: Int

    init(capacity: Int) {
        // Enough whole segments beside the one that is being filled.
        let (full, rest) = max(1, capacity).quotientAndRemainder(dividingBy: Self.segmentLength)
        segmentBound = full + (rest > 0 ? 1 : 0) + 1
    }

    /// Records a call as open and gives it its id.
    func begin(_ arrival: Arrival) -> Int {
        state.withLock { state in
            let id = state.nextID
            if state.segments.last.map({ $0.count == Self.segmentLength }) ?? true {
                if state.segments.count == segmentBound {
                    state.segments.removeFirst()
                    state.firstID += Self.segmentLength
                }
                var segment: [Entry] = []
                segment.reserveCapacity(Self.segmentLength)
                state.segments.append(segment)
            }
            let entry = Entry(
                calledAtMs: arrival.calledAtMs, request: arrival.request, key: state.intern(arrival.key),
                endpoint: state.intern(arrival.endpoint))
            state.segments[state.segments.count - 1].append(entry)
            let kept = (id: id, headers: arrival.headers)
            if state.headers.count < Self.headersKept {
                state.headers.append(kept)
            } else {
                state.headers[(id - 1) % Self.headersKept] = kept
            }
            return id
        }
    }

    /// Records what the body of a call asked for.
    func identify(_ id: Int, model: String, isStream: Bool) {
        update(id) { entry, state in
            entry.model = state.intern(model)
            entry.isStream = isStream
        }
    }

    /// Records how far a call has come. Once a call has ended, nothing changes it.
    func progress(_ id: Int, usage: SimulatedUsage, status: Int) {
        update(id) { entry, _ in
            guard entry.outcome == .open else { return }
            entry.usage = usage
            entry.status = UInt16(clamping: status)
        }
    }

    /// Records how a call ended. The first end counts: a call that hung stays `hung` when its client leaves.
    func end(_ id: Int, _ outcome: SimulatedCall.Outcome, usage: SimulatedUsage, status: Int) {
        update(id) { entry, _ in
            guard entry.outcome == .open else { return }
            entry.usage = usage
            entry.status = UInt16(clamping: status)
            entry.outcome = outcome
        }
    }

    /// At most `limit` calls with ids from `id` on, oldest first, and the id to go on with; nil at the end.
    func calls(from id: Int, limit: Int) -> (calls: [SimulatedCall], next: Int?) {
        state.withLock { state in
            // Clamped on both sides, since `id` may come from a query; then the sum cannot overflow.
            let start = min(max(id, state.firstID), state.nextID)
            let end = start + min(limit, state.nextID - start)
            guard start < end else { return ([], nil) }
            let calls = (start..<end).compactMap { id -> SimulatedCall? in
                guard let (segment, offset) = state.position(of: id) else { return nil }
                return Self.call(id, state.segments[segment][offset], state)
            }
            return (calls, end < state.nextID ? end : nil)
        }
    }

    /// How many calls are no longer remembered, whether dropped or cleared.
    var dropped: Int { state.withLock { $0.firstID - 1 } }

    /// Forgets every call; ids go on counting, and calls still open leave no trace.
    func clear() {
        state.withLock { state in
            let nextID = state.nextID
            state.segments.removeAll()
            state.firstID = nextID
        }
    }

    private func update(_ id: Int, _ change: (inout Entry, inout State) -> Void) {
        state.withLock { state in
            guard let (segment, offset) = state.position(of: id) else { return }
            var entry = state.segments[segment][offset]
            change(&entry, &state)
            state.segments[segment][offset] = entry
        }
    }

    private static func call(_ id: Int, _ entry: Entry, _ state: State) -> SimulatedCall {
        let slot = (id - 1) % headersKept
        let kept = slot < state.headers.count ? state.headers[slot] : nil
        return SimulatedCall(
            id: id, key: state.names[Int(entry.key)], endpoint: state.names[Int(entry.endpoint)],
            model: state.names[Int(entry.model)], isStream: entry.isStream, usage: entry.usage,
            outcome: entry.outcome, status: Int(entry.status),
            requestHeaders: kept?.id == id ? kept?.headers.map(SimulatedCall.Header.init(arrived:)) : nil,
            calledAtMs: entry.calledAtMs, request: entry.request)
    }
}

extension SimulatedCall.Header {
    /// Hides the values of credentials; that they were there stays visible.
    fileprivate init(arrived header: (name: String, value: String)) {
        switch header.name.lowercased() {
        case "x-api-key", "authorization", "proxy-authorization", "cookie": self.init(name: header.name, value: "***")
        default: self.init(name: header.name, value: header.value)
        }
    }
}
