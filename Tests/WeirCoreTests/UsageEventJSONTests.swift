import Foundation
import Testing
import WeirCore

@Suite struct UsageEventJSONTests {
    private static let full = UsageEvent(
        id: "01KBDP3Z9XJ4W6Q0R2T8V5Y7AB", calledAtMs: 1_795_254_000_123, team: "acme", user: "alice@acme.com",
        key: "k1f3a",
        session: "s \"1\"", request: "req_1", product: "slack_app", billable: true, callClass: "ai",
        endpoint: "messages",
        provider: "anthropic", role: "writer", task: "draft", requestedModel: "claude-opus-4", model: "claude-sonnet-4",
        tokens: TokenUsage(input: 1, cacheRead: 2, cacheWrite5m: 3, cacheWrite1h: 4, output: 5, reasoning: 6),
        cost: MicroUSD(micros: 1234), priceVersion: "2026-11-01", isModelKnown: false, toolUsed: "search",
        latencyMs: 77,
        isOK: false, status: 429, outcome: .providerError, promptVersion: "v2",
        extra: ["estimated": "cut", "b": "\u{e9}"])

    private static let least = UsageEvent(
        id: "1", calledAtMs: 0, team: "t", product: "p", billable: false, callClass: "ai", endpoint: "e",
        provider: "openai",
        requestedModel: "", model: "", priceVersion: "")

    @Test func `an event comes back as it was`() throws {
        for event in [Self.full, Self.least] { #expect(try UsageEvent(json: event.json()) == event) }
    }

    @Test func `the field names are those of the ledger`() {
        let text = String(decoding: Self.full.json(), as: UTF8.self)
        #expect(
            text
                == #"{"id":"01KBDP3Z9XJ4W6Q0R2T8V5Y7AB","called_at":1795254000123,"team":"acme","user":"alice@acme.com","#
                + #""key":"k1f3a","session":"s \"1\"","request":"req_1","product":"slack_app","billable":true,"class":"ai","#
                + #""endpoint":"messages","provider":"anthropic","role":"writer","task":"draft","#
                + #""requested_model":"claude-opus-4","model":"claude-sonnet-4","input_tokens":1,"cache_read_tokens":2,"#
                + #""cache_write_5m_tokens":3,"cache_write_1h_tokens":4,"output_tokens":5,"reasoning_tokens":6,"#
                + #""cost_micros":1234,"price_version":"2026-11-01","known_model":false,"tool_used":"search","latency_ms":77,"#
                + #""ok":false,"status":429,"outcome":"provider_error","prompt_version":"v2","#
                + #""extra":{"b":"é","estimated":"cut"}}"#)
    }

    @Test func `fields of a newer node are ignored`() throws {
        var text = String(decoding: Self.least.json(), as: UTF8.self)
        text.removeLast()
        text += #","shade":{"of":["blue",1e9]},"user":null}"#
        #expect(try UsageEvent(json: Array(text.utf8)) == Self.least)
    }

    @Test(arguments: [
        (#""team":"t""#, #""team":"a b""#), (#""team":"t""#, #""team":"""#), (#""team":"t""#, #""team":"t{1}""#),
        (#""id":"1""#, #""id":"""#), (#""id":"1""#, #""id":1"#), (#""id":"1","#, ""),
        (#""called_at":0"#, #""called_at":-1"#),
        (#""called_at":0"#, #""called_at":1.5"#), (#""called_at":0"#, #""called_at":9007199254740992"#),
        (#""cost_micros":0"#, #""cost_micros":-1"#), (#""cost_micros":0,"#, ""), (#""ok":true"#, #""ok":1"#),
        (#""ok":true"#, #""ok":null"#), (#""status":0"#, #""status":1000"#),
        (#""outcome":"completed""#, #""outcome":"vanished""#),
        (#""outcome":"completed""#, #""outcome":"orphaned","outcome":"orphaned""#),
        (#""status":0"#, #""status":0,"extra":{"a":1}"#),
        (#""status":0"#, #""status":0,"extra":{"a":"1","\u0061":"2"}"#),
        (#""status":0"#, #""status":0,"input_tokens":-5"#), (#""status":0"#, #""status":0,"user":"a/b""#), ("}", ""),
        ("}", "} x"),
    ])
    func `a damaged event is refused`(part: String, replacement: String) throws {
        let text = String(decoding: Self.least.json(), as: UTF8.self)
        let range = try #require(text.range(of: part))
        let damaged = text.replacingCharacters(in: range, with: replacement)
        #expect(throws: JSONError.self) { try UsageEvent(json: Array(damaged.utf8)) }
    }
}
