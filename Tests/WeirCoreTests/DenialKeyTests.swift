import Testing
import WeirCore

@Suite struct DenialKeyTests {
    private static let day = UTCDay(year: 2026, month: 11, day: 21)

    @Test(arguments: [
        DenialKey(day: day, team: "acme", user: "alice", limit: "calls", reason: "rate_limited"),
        DenialKey(day: day, team: "acme", reason: "kill_switch"),
        DenialKey(day: day, team: "a:b@c.d-e_f", limit: "l", reason: "new_reason"),
    ])
    func `a field is read back as it was written`(key: DenialKey) throws {
        let back = try #require(DenialKey.parse(key.field(node: "n1"), day: Self.day))
        #expect(back.key == key)
        #expect(back.node == "n1")
    }

    @Test(arguments: [
        "", "a", "a|b|c|d", "|b|c|d|e", "a||c|d|e", "a|b|c|d|", "a|b|c|d|e|f", "a|b c|c|d|e", "a|b|{c}|d|e",
    ])
    func `a field that was not written by a node is none`(field: String) {
        #expect(DenialKey.parse(field, day: Self.day) == nil)
    }
}
