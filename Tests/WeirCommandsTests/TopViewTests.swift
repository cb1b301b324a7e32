import Foundation
import Testing
import WeirAdmin

@testable import WeirCommands

@Suite struct TopViewTests {
    private static func usage(_ name: String, calls: Int, micros: Int) -> String {
        """
        {"name":"\(name)","calls":\(calls),"errors":0,"input_tokens":0,"cache_read_tokens":0,"cache_write_5m_tokens":0,\
        "cache_write_1h_tokens":0,"output_tokens":0,"reasoning_tokens":0,"cost_micros":\(micros),"cost_usd":"0.\(micros)"}
        """
    }

    private static func decoded<Message: Decodable>(_ json: String, as _: Message.Type = Message.self) throws -> Message
    {
        try JSONDecoder().decode(Message.self, from: Data(json.utf8))
    }

    /// - Parameter teams: name → calls and micro-dollars of the day.
    private static func sample(
        _ teams: [(name: String, calls: Int, micros: Int)], denials: Int = 0, day: String = "2026-11-21",
        after milliseconds: Int = 0, limited: String = "", switched: String = "", oldestMs: Int = 0
    ) throws -> TopSample {
        let calls = teams.reduce(0) { $0 + $1.calls }
        let micros = teams.reduce(0) { $0 &+ $1.micros }
        let rows = teams.map { usage($0.name, calls: $0.calls, micros: $0.micros) }.joined(separator: ",")
        return TopSample(
            atMs: 1_795_262_400_000 + milliseconds, taken: start + .milliseconds(milliseconds),
            status: try decoded(
                """
                {"leader":{"name":"one","token":1,"since":1},"shards":{"count":16,"ready":16,"not_ready":[]},\
                "ingest":{"waiting":\(oldestMs > 0 ? 3 : 0),"oldest_ms":\(oldestMs)},"ledger":{"revision":1},"kill_switch":[],\
                "redis":{"version":"7","run_id":"r","maxmemory_policy":"noeviction"}}
                """),
            usage: try decoded(
                """
                {"by":"team","from":"\(day)","to":"\(day)","rows":[\(rows)],\
                "total":\(usage("total", calls: calls, micros: micros))}
                """),
            denials: try decoded(#"{"from":"\#(day)","to":"\#(day)","total":\#(denials),"denials":[]}"#),
            limited: try decoded(#"{"limited":[\#(limited)],"truncated":false}"#),
            killSwitch: try decoded(#"{"kill_switch":[\#(switched)]}"#))
    }

    private static let start = ContinuousClock.now

    @Test func `rates are what was added between two looks, by the time between them`() throws {
        let before = try Self.sample([("acme", 10, 1_000)], denials: 5)
        let after = try Self.sample([("acme", 15, 1_600)], denials: 6, after: 2_000)
        let view = TopView(after, since: before, mostTeams: 10)
        let rates = try #require(view.rates)
        #expect(rates.seconds == 2 && rates.admitsPerSecond == 2.5 && rates.denialsPerSecond == 0.5)
        #expect(rates.spendMicrosPerMinute == 18_000)
        #expect(view.teams.first?.calls == 5 && view.teams.first?.spendUSD == "0.0006")
        #expect(view.at == "2026-11-21T12:00:02Z")
    }

    @Test func `a new day has no rates until its second look, and nothing counts below zero`() throws {
        let before = try Self.sample([("acme", 10, 1_000)], denials: 5)
        let tomorrow = TopView(
            try Self.sample([("acme", 1, 10)], day: "2026-11-22", after: 2_000), since: before, mostTeams: 10)
        #expect(tomorrow.rates == nil && tomorrow.teams.first?.calls == 0)
        #expect(TopView(before, since: nil, mostTeams: 10).rates == nil)
        // A ledger that was put back from a copy knows less than before.
        let restored = TopView(try Self.sample([("acme", 2, 10)], after: 1_000), since: before, mostTeams: 10)
        #expect(restored.rates?.admitsPerSecond == 0 && restored.rates?.spendMicrosPerMinute == 0)
        #expect(restored.teams.first?.calls == 0)
    }

    @Test func `the teams that spent most since the last look come first, then those of the day`() throws {
        let before = try Self.sample([("big", 100, 9_000), ("hot", 1, 10), ("cold", 2, 20)])
        let after = try Self.sample(
            [("big", 100, 9_000), ("hot", 2, 30), ("cold", 2, 20), ("new", 1, 50)], after: 1_000)
        #expect(TopView(after, since: before, mostTeams: 10).teams.map(\.team) == ["new", "hot", "big", "cold"])
        #expect(TopView(after, since: before, mostTeams: 2).teams.map(\.team) == ["new", "hot"])
        #expect(TopView(after, since: nil, mostTeams: 3).teams.map(\.team) == ["big", "new", "hot"])
    }

    @Test func `absurd numbers trap nobody`() throws {
        let before = try Self.sample([("a", .max, .min)])
        let view = TopView(try Self.sample([("a", 0, .max)], after: 1), since: before, mostTeams: 10)
        #expect(view.teams.first?.spendMicros == .max)
        #expect(!TopScreen.lines(view, palette: .plain).isEmpty)
    }

    @Test func `what needs somebody stands out`() throws {
        let view = TopView(
            try Self.sample(
                [("acme", 1, 10)], limited: #"{"resource":"ai_credits","team":"acme"}"#,
                switched:
                    #"{"scope":"global","on":true,"thrown":true,"reason":"r","actor":"a","since":1,"since_at":"1970-01-01T00:00:01Z"}"#,
                oldestMs: 20_000),
            since: nil, mostTeams: 10)
        let lines = TopScreen.lines(view, palette: Palette(hasColor: true))
        #expect(lines.contains("kill switch  \u{1b}[1;31mthrown: global\u{1b}[0m"))
        #expect(lines.contains { $0.hasPrefix("lag          \u{1b}[33m3 events wait, the oldest for 20,000 ms") })
        #expect(lines.contains { $0.contains("\u{1b}[33mlimited\u{1b}[0m") })
        #expect(TopScreen.lines(view, palette: .plain).contains("acme     ai_credits  without end"))
    }

    @Test func `a line is cut at the terminal's width, colours aside`() {
        #expect(Terminal.cut("abcdef", to: 3) == "abc")
        #expect(Terminal.cut("a\u{1b}[1mbcd\u{1b}[0m", to: 2) == "a\u{1b}[1mb\u{1b}[0m")
    }
}
