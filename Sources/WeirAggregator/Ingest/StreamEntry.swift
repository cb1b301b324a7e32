import NIOCore
import WeirCore
import WeirLedger
import WeirRedis

/// One entry of a usage stream as Redis delivers it.
struct StreamEntry {
    let id: String
    /// Names and values in turn; nil if the entry was delivered before and has been deleted since.
    let fields: [ByteBuffer]?

    /// The entries of one stream in a reply of XREADGROUP (`[[key, entries]]`, or null for none).
    static func list(xreadgroup reply: RedisValue) throws(AggregatorError) -> [StreamEntry] {
        guard case .array(let streams) = reply else { return [] }
        guard case .array(let pair)? = streams.first, pair.count == 2 else {
            throw .redis(.protocolViolation("XREADGROUP: not a stream and its entries"))
        }
        return try list(pair[1])
    }

    private static func list(_ reply: RedisValue) throws(AggregatorError) -> [StreamEntry] {
        guard case .array(let values) = reply else { return [] }
        var entries: [StreamEntry] = []
        entries.reserveCapacity(values.count)
        for value in values {
            guard case .array(let pair) = value, pair.count == 2, let id = pair[0].words else {
                throw .redis(.protocolViolation("XREADGROUP: an entry is not an id and its fields"))
            }
            guard case .array(let fields) = pair[1] else {
                entries.append(StreamEntry(id: id, fields: nil))
                continue
            }
            entries.append(
                StreamEntry(
                    id: id,
                    fields: fields.map { field in
                        guard case .bulk(let buffer) = field else { return ByteBuffer() }
                        return buffer
                    }))
        }
        return entries
    }

    enum Content {
        case event(UsageEvent)
        /// No event: its bytes and why.
        case poison([UInt8], String)
        /// Deleted before it was read.
        case lost
    }

    /// What the entry holds. Whatever somebody wrote into the stream, there is an answer.
    func content(largestBytes: Int) -> Content {
        guard let fields else { return .lost }
        guard fields.count == 2, fields[0].readableBytesView.elementsEqual("event".utf8) else {
            let all = Array(fields.map(\.readableBytesView).joined(separator: [UInt8(ascii: "\n")]))
            return poison(all, "not one field `event`", largestBytes)
        }
        let json = fields[1]
        guard json.readableBytes <= largestBytes else {
            let bytes = Array(json.readableBytesView)
            return poison(bytes, "\(bytes.count) bytes, more than \(largestBytes)", largestBytes)
        }
        do {
            let event = try json.withUnsafeReadableBytes { try UsageEvent(json: $0) }
            if let fault = event.faultForLedger { return .poison(Array(json.readableBytesView), fault) }
            return .event(event)
        } catch {
            return .poison(Array(json.readableBytesView), "\(error)")
        }
    }

    /// An entry of any size must not fill the ledger: beyond the limit its beginning is kept, and the error says so.
    private func poison(_ bytes: [UInt8], _ error: String, _ largestBytes: Int) -> Content {
        if bytes.count <= largestBytes { return .poison(bytes, error) }
        return .poison(Array(bytes.prefix(largestBytes)), error + "; the first \(largestBytes) are kept")
    }
}
