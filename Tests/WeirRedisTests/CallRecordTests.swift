import Testing
import WeirCore
import WeirRedis

@Suite struct CallRecordTests {
    static let event = UsageEvent(
        id: "01ARZ3NDEKTSV4RRFFQ69G5FAV", calledAtMs: 1_795_262_400_000, team: "acme", user: "alice",
        product: "slack_app", billable: true, callClass: "ai", endpoint: "messages", provider: "anthropic",
        requestedModel: "m\"\n\\", model: "m", tokens: TokenUsage(input: 7, output: 3), cost: MicroUSD(micros: 42),
        priceVersion: "1", outcome: .orphaned, extra: ["note": "a\nb"])

    static let counters: [CounterKey] = [
        Counter.log(windowMs: 60_000), .ring(windowMs: 1), .budget(.week), .inFlight,
    ].map {
        CounterKey(
            shard: Shard(number: 7), limit: "a", subject: "user:acme/alice", counter: $0, atMs: 1_795_262_400_000)
    }

    @Test func `a record is read back, in one line`() throws {
        let units: [Limit.Unit] = [.requests, .tokens, .usd, .concurrency]
        let json = CallRecord.json(holds: Self.counters, units: units, event: Self.event.json())
        #expect(!json.contains(10))
        let record = try CallRecord(json: json)
        #expect(record.holds.map(\.key) == Self.counters.map(\.key))
        #expect(record.holds.map(\.letter) == ["L", "R", "B", "C"])
        #expect(record.holds.map(\.span) == Self.counters.map(\.span))
        #expect(record.units == units)
        #expect(record.event == Self.event)
        #expect(record.units(of: Self.event) == [1, 10, 42, 1])
    }

    @Test func `a limit that does not cover the model that serves is read back, and charged nothing`() throws {
        let json = CallRecord.json(
            holds: Array(Self.counters.prefix(2)), units: [nil, .tokens], event: Self.event.json(), rung: 2)
        #expect(String(decoding: json, as: UTF8.self).hasPrefix(#"{"rung":2,"holds":[["L","-","#))
        let record = try CallRecord(json: json)
        #expect(record.units == [nil, .tokens])
        #expect(record.units(of: Self.event) == [0, 10])
        #expect(record.event == Self.event)
    }

    @Test func `a call without limits is read back`() throws {
        let record = try CallRecord(json: CallRecord.json(holds: [], units: [], event: Self.event.json()))
        #expect(record == CallRecord(holds: [], units: [], event: Self.event))
    }

    @Test func `a part without an event of its own says so`() throws {
        let json = CallRecord.json(
            holds: Self.counters, units: [.requests, .tokens, .usd, .concurrency], event: Self.event.json(),
            isSide: true)
        let record = try CallRecord(json: json)
        #expect(record.isSide)
        #expect(record.event == Self.event, "what it is charged by")
    }

    @Test func `a record that was cut or changed anywhere is an error or another record, never a trap`() {
        let json = CallRecord.json(
            holds: Self.counters, units: [.requests, .tokens, .usd, .concurrency], event: Self.event.json())
        for count in 0..<json.count {
            #expect(throws: JSONError.self) { try CallRecord(json: Array(json.prefix(count))) }
        }
        for place in json.indices {
            for byte in [UInt8(ascii: "\""), UInt8(ascii: "-"), UInt8(ascii: "9"), 0, 0xff] {
                var changed = json
                changed[place] = byte
                _ = try? CallRecord(json: changed)
            }
        }
    }

    @Test(arguments: [
        #"{"holds":[["X","usd","k",1]],"event":{}}"#, #"{"holds":[["B","gold","k",1]]}"#, #"{"holds":[["B","usd"]]}"#,
        #"{"holds":[["B","usd","k",-1]]}"#, #"{"holds":[]}"#, "{}", "[]", "",
    ])
    func `a record that says what no node wrote is refused`(json: String) {
        #expect(throws: JSONError.self) { try CallRecord(json: Array(json.utf8)) }
    }
}
