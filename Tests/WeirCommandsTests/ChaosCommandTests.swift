import ArgumentParser
import Testing
import WeirChaos

@testable import WeirCommands

@Suite struct ChaosCommandTests {
    private func command(_ flags: String...) throws -> ChaosCommand {
        let arguments = ["chaos", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:6379"] + flags
        return try #require(try WeirCommand.parseAsRoot(arguments) as? ChaosCommand)
    }

    @Test func `flags ask for the same faults as lines`() async throws {
        let flags = try command(
            "--delay", "50ms", "--jitter", "5ms", "--bandwidth", "64k", "--black-hole", "--one-byte", "--cut-after",
            "1..9", "--ending", "close", "--refuse", "3", "--way", "up"
        ).faults()
        let proxy = ChaosProxy(to: "127.0.0.1", port: 1, seed: 1)
        let control = ChaosControl(proxy: proxy, voice: ChaosVoice(isJSON: true))
        for line in [
            "delay 50ms", "jitter 5ms", "bandwidth 64k", "black-hole on", "one-byte on", "cut-after 1..9",
            "ending close", "refuse 3", "  way   up ", "", "show", "reset",
        ] {
            try await control.obey(line)
        }
        #expect(proxy.faults == flags)
        #expect(flags != ChaosFaults())
        try await control.obey("off")
        #expect(proxy.faults == ChaosFaults())
    }

    @Test(arguments: ["delay", "delay 50", "delay 50ms now", "slow", "off now", "cut 5"])
    func `a line that cannot be meant changes nothing and says what would be right`(line: String) async throws {
        let proxy = ChaosProxy(to: "127.0.0.1", port: 1, seed: 1)
        let control = ChaosControl(proxy: proxy, voice: ChaosVoice(isJSON: false))
        let problem = await #expect(throws: ChaosFaults.Problem.self) { try await control.obey(line) }
        #expect(problem?.description.contains("write") == true)
        #expect(proxy.faults == ChaosFaults())
    }

    @Test func `a flag that cannot be meant is refused`() throws {
        #expect(throws: ChaosFaults.Problem.self) { try command("--delay", "50").faults() }
    }
}
