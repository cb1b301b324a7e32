import WeirCore
import WeirRedis

/// One settlement or release as the outbox keeps it: all that repeating it with the same id needs.
struct OutboxRow: Sendable {
    /// Its number in this outbox.
    let number: Int
    let script: EndScript
    /// The shard's epoch as the node knew it when it was first sent; nil: it did not.
    let epoch: String?
    /// This machine's time, milliseconds since 1970, for its age alone.
    let atMs: Int

    var ticket: Ticket {
        // What it takes on disk, nearly: the event, and a text for each counter.
        Ticket(
            number: number, shard: script.shard.number,
            bytes: script.counters.reduce(100 + script.event.count) { $0 + 40 + $1.counter.key.utf8.count })
    }

    /// What the node keeps in memory of a row.
    struct Ticket: Sendable, Hashable {
        let number: Int
        let shard: Int
        let bytes: Int
    }
}

extension OutboxRow {
    static let steps: [EndScript.End: String] = [
        .settle: "settle", .release: "release", .retract: "retract", .withdraw: "withdraw",
    ]

    /// `[["B",700,"weir:{07}:budget:…",1767225600000],…]`: kind, units, key, span.
    var counters: [UInt8] {
        var writer = JSONWriter(capacity: 128 * script.counters.count + 2)
        writer.beginArray()
        for (counter, units) in script.counters {
            writer.beginArray()
            writer.string(counter.letter)
            writer.int(units)
            writer.string(counter.key)
            writer.int(counter.span)
            writer.endArray()
        }
        writer.endArray()
        return writer.bytes
    }

    static func counters(_ json: [UInt8]) throws(JSONError) -> [(counter: CounterKey, units: Int)] {
        var counters: [(counter: CounterKey, units: Int)] = []
        try JSONScanner.read(json) { (scanner) throws(JSONError) in
            var elements = try scanner.beginArray()
            while try scanner.next(&elements) {
                let start = scanner.offset
                var parts = try scanner.beginArray()
                var texts: [String] = []
                var numbers: [Int] = []
                while try scanner.next(&parts) {
                    if texts.count == numbers.count {
                        texts.append(try scanner.string())
                    } else {
                        numbers.append(try scanner.int())
                    }
                }
                guard texts.count == 2, numbers.count == 2,
                    let counter = CounterKey(letter: texts[0], key: texts[1], span: numbers[1])
                else { throw JSONError(.unexpected(wanted: "a counter: [kind, units, key, span]"), at: start) }
                counters.append((counter, numbers[0]))
            }
        }
        return counters
    }
}
