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

    var ticket: Ticket { Ticket(number: number, shard: script.shard.number) }

    /// What the node keeps in memory of a row.
    struct Ticket: Sendable, Hashable {
        let number: Int
        let shard: Int
    }
}

extension OutboxRow {
    private static let steps: [EndScript.End: String] = [
        .settle: "settle", .release: "release", .retract: "retract", .withdraw: "withdraw",
    ]

    private enum Field: String, CaseIterable, Sendable {
        case atMs = "at_ms"
        case shard, step, id
        case admittedMs = "admitted_ms"
        case epoch, counters, event
    }

    private static let fields = JSONFields<Field>()

    /// As it stands in a file, `{"shard":7,"step":"settle","id":"…","at_ms":…,"admitted_ms":…,"epoch":"…",`
    /// `"counters":[["B",700,"weir:{07}:budget:…",1767225600000],…],"event":{…}}` and a newline, without any other or a zero;
    /// a counter is kind, units, key, span.
    static func line(_ script: EndScript, epoch: String?, atMs: Int) -> [UInt8] {
        var writer = JSONWriter(
            capacity: script.counters.reduce(320 + script.event.count) { $0 + 64 + $1.counter.key.utf8.count })
        writer.beginObject()
        writer.member("shard", script.shard.number)
        writer.member("step", steps[script.end] ?? "")
        writer.member("id", script.id.text)
        writer.member("at_ms", atMs)
        writer.member("admitted_ms", ifPresent: script.admittedMs)
        writer.member("epoch", ifPresent: epoch)
        writer.key("counters")
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
        if !script.event.isEmpty {
            writer.key("event")
            // Made by ``UsageEvent/json()``: one JSON value already.
            writer.raw(script.event)
        }
        writer.endObject()
        writer.endLine()
        return writer.bytes
    }

    /// - Parameter bytes: what the scanner reads.
    init(number: Int, from scanner: inout JSONScanner, of bytes: [UInt8]) throws(JSONError) {
        let start = scanner.offset
        var (atMs, shard, step, id) = (0, -1, "", "")
        var (admittedMs, epoch): (Int?, String?)
        var counters: [(counter: CounterKey, units: Int)] = []
        var event: [UInt8] = []
        var members = try scanner.beginObject()
        while let field = try scanner.next(&members, in: Self.fields) {
            switch field {
            case .atMs: atMs = try scanner.int()
            case .shard: shard = try scanner.int()
            case .step: step = try scanner.string()
            case .id: id = try scanner.string()
            case .admittedMs: admittedMs = try scanner.int()
            case .epoch: epoch = try scanner.string()
            case .counters: counters = try Self.counters(&scanner)
            case .event: event = Array(bytes[try scanner.skip()])
            }
        }
        guard let end = Self.steps.first(where: { $0.value == step })?.key, let id = ReservationID(id),
            (0...99).contains(shard)
        else { throw JSONError(.unexpected(wanted: "a settlement: step, id and shard"), at: start) }
        self.number = number
        self.epoch = epoch
        self.atMs = atMs
        script = EndScript(
            end, shard: Shard(number: shard), id: id, admittedMs: admittedMs, event: event, counters: counters)
    }

    private static func counters(_ scanner: inout JSONScanner) throws(JSONError) -> [(
        counter: CounterKey, units: Int
    )] {
        var counters: [(counter: CounterKey, units: Int)] = []
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
        return counters
    }
}
