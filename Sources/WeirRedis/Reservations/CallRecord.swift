import WeirCore

/// What a reservation's record says of its call: enough for anybody to settle it when its node is gone.
/// `{"holds":[["B","usd","weir:{07}:budget:…",1767225600000],…],"event":{…}}`, and `"side":true` in a part that only holds
/// units: there the event says what to charge, and is not handed on. The part with the event has all the others'
/// counters in `sides`, written like `holds`: each key's tag says in which shard.
package struct CallRecord: Sendable, Hashable {
    package var holds: [CounterKey]
    /// The limits' units, in the order of `holds`: what of an event each counter counts. Nil (`-` in JSON): nothing, since
    /// the limit does not cover the model that serves the call, but would have covered another that could have.
    package var units: [Limit.Unit?]
    package var event: UsageEvent
    /// The call's event goes to the ledger from another shard.
    package var isSide: Bool

    /// What the call holds in other shards.
    package var sides: [Hold]

    /// A counter, and what of an event it counts.
    package struct Hold: Sendable, Hashable {
        package let counter: CounterKey
        package let unit: Limit.Unit?

        package init(counter: CounterKey, unit: Limit.Unit?) { (self.counter, self.unit) = (counter, unit) }
    }

    package init(
        holds: [CounterKey], units: [Limit.Unit?], event: UsageEvent, isSide: Bool = false, sides: [Hold] = []
    ) {
        self.holds = holds
        self.units = units
        self.event = event
        self.isSide = isSide
        self.sides = sides
    }

    /// `event` as JSON, passed in since the caller has it already.
    /// - Parameter rung: where several models may serve the call: this one's number, from 1, for lua/admit.lua to find.
    package static func json(
        holds: [CounterKey], units: [Limit.Unit?], event: [UInt8], rung: Int? = nil, isSide: Bool = false,
        sides: [Hold] = []
    ) -> [UInt8] {
        var writer = JSONWriter(capacity: 128 * (holds.count + sides.count + 1) + event.count)
        writer.beginObject()
        if let rung {
            writer.key("rung")
            writer.int(rung)
        }
        writer.key("holds")
        writer.beginArray()
        for (hold, unit) in zip(holds, units) { writer.hold(hold, unit) }
        writer.endArray()
        if !sides.isEmpty {
            writer.key("sides")
            writer.beginArray()
            for side in sides { writer.hold(side.counter, side.unit) }
            writer.endArray()
        }
        if isSide { writer.member("side", true) }
        writer.key("event")
        writer.raw(event)
        writer.endObject()
        return writer.bytes
    }
}

extension CallRecord {
    private enum Field: String, CaseIterable, Sendable { case holds, event, side, sides }
    private static let fields = JSONFields<Field>()

    /// Reads what ``json(holds:units:event:)`` wrote.
    package init(json: [UInt8]) throws(JSONError) {
        var holds: [CounterKey] = []
        var units: [Limit.Unit?] = []
        var event: UsageEvent?
        var isSide = false
        var sides: [Hold] = []
        try JSONScanner.read(json) { (scanner) throws(JSONError) in
            var members = try scanner.beginObject()
            while let field = try scanner.next(&members, in: Self.fields) {
                switch field {
                case .holds:
                    var elements = try scanner.beginArray()
                    while try scanner.next(&elements) {
                        let (hold, unit) = try Self.hold(&scanner)
                        holds.append(hold)
                        units.append(unit)
                    }
                case .event:
                    let range = try scanner.skip()
                    event = try UsageEvent(json: Array(json[range]))
                case .side: isSide = try scanner.bool()
                case .sides:
                    var elements = try scanner.beginArray()
                    while try scanner.next(&elements) {
                        let (counter, unit) = try Self.hold(&scanner)
                        sides.append(Hold(counter: counter, unit: unit))
                    }
                }
            }
        }
        guard let event else { throw JSONError(.missingKey("event"), at: 0) }
        self.init(holds: holds, units: units, event: event, isSide: isSide, sides: sides)
    }

    private static func hold(_ scanner: inout JSONScanner) throws(JSONError) -> (CounterKey, Limit.Unit?) {
        let start = scanner.offset
        var parts = try scanner.beginArray()
        var texts: [String] = []
        var span = 0
        while try scanner.next(&parts) {
            if texts.count < 3 { texts.append(try scanner.string()) } else { span = try scanner.int() }
        }
        guard texts.count == 3, texts[1] == "-" || Limit.Unit(rawValue: texts[1]) != nil else {
            throw JSONError(.unexpected(wanted: "a hold: [kind, unit, key, span]"), at: start)
        }
        guard let counter = CounterKey(letter: texts[0], key: texts[2], span: span) else {
            throw JSONError(.unexpected(wanted: "a kind of counter: L, R, B or C, and its span"), at: start)
        }
        return (counter, Limit.Unit(rawValue: texts[1]))
    }

    /// The units that each counter counts of `event`.
    package func units(of event: UsageEvent) -> [Int] { units.map { $0?.units(of: event) ?? 0 } }
}

extension JSONWriter {
    /// `[kind, unit, key, span]`
    fileprivate mutating func hold(_ counter: CounterKey, _ unit: Limit.Unit?) {
        beginArray()
        string(counter.letter)
        string(unit?.rawValue ?? "-")
        string(counter.key)
        int(counter.span)
        endArray()
    }
}

extension Limit.Unit {
    /// What a limit of this unit counts of a call.
    package func units(of event: UsageEvent) -> Int {
        switch self {
        case .requests, .concurrency: 1
        case .tokens: event.tokens.total
        case .usd: event.cost.micros
        }
    }
}
