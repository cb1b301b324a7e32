import Testing
import WeirCore

@Suite struct KillSwitchTests {
    @Test func `an entry reads back as it was written`() {
        let entry = KillSwitch.Entry(
            on: true, reason: "cost \"20.00\" / day", actor: "aggregator", since: 1_795_254_000, until: 1_795_305_600)
        #expect(KillSwitch.Entry(value: entry.value) == entry)
        #expect(
            entry.value
                == #"{"actor":"aggregator","on":true,"reason":"cost \"20.00\" / day","since":1795254000,"until":1795305600}"#
        )
    }

    @Test(arguments: ["on", "1", "", "{", #"{"on":"yes"}"#, #"{"on":true}"#, "\u{0}"])
    func `a value that cannot be read stops calls`(value: String) {
        #expect(KillSwitch.Entry(value: value).isThrown(nowMs: 0))
    }

    @Test(arguments: ["off", "OFF", "0", #"{"on":false}"#])
    func `a switch that is off lets calls through`(value: String) {
        #expect(!KillSwitch.Entry(value: value).isThrown(nowMs: 0))
    }

    @Test func `an entry ends at its until, to the millisecond`() {
        let entry = KillSwitch.Entry(on: true, reason: "", actor: "", since: 0, until: 10)
        #expect(entry.isThrown(nowMs: 9999))
        #expect(!entry.isThrown(nowMs: 10_000))
        #expect(KillSwitch.Entry(on: true, reason: "", actor: "", since: 0, until: .max).isThrown(nowMs: .max - 1))
    }

    @Test func `every scope reads back as it was written, and no other text is a scope`() {
        for scope: KillSwitch.Scope in [.global, .product("a"), .team("a:b"), .model("m-4.1"), .callClass("ai")] {
            #expect(KillSwitch.Scope(scope.text) == scope)
        }
        for text in ["", "team", "team:", "planet:x", ":x"] { #expect(KillSwitch.Scope(text) == nil) }
        // A person in a hurry types it as it comes; the name itself stays as it is.
        #expect(KillSwitch.Scope("Global") == .global)
        #expect(KillSwitch.Scope("TEAM:Acme") == .team("Acme"))
    }
}
