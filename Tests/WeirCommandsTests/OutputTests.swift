import ArgumentParser
import Foundation
import Synchronization
import Testing
import WeirAdmin
import WeirTestSupport

@testable import WeirCommands

@Suite struct OutputTests {
    @Test func `tables are aligned, numbers to the right, and hold no control characters`() {
        var table = TextTable([.init(title: "NAME"), .init(title: "CALLS", isNumber: true), .init(title: "NOTE")])
        table.rows = [["acme", "1,000", "x"], ["a\u{1b}[31m", "5", ""]]
        #expect(
            table.text == """
                NAME    CALLS  NOTE
                acme    1,000  x
                a?[31m      5  -
                """)
    }

    @Test func `a spreadsheet gets titles as names, bare numbers, and no formula`() {
        var table = TextTable([
            .init(title: "TEAM"), .init(title: "COST USD", isNumber: true), .init(title: "LEFT", isNumber: true),
        ])
        table.rows = [
            ["=1+1", "1,234.5", "-"], ["a,\"b\"", "-1,000", ""], ["+x", "n/a", "@y"], ["-", "\t", "5"],
        ]
        #expect(
            table.csv == """
                team,cost_usd,left
                "'=1+1",1234.5,
                "a,""b""\",-1000,
                "'+x",n/a,"'@y"
                "'-","'\t",5
                """)
        let report = Report(.text("above"), .table(table), .table(table, whenEmpty: "none"), json: "{}")
        #expect(report.csv == table.csv + "\n\n" + table.csv)
    }

    @Test func `colours change nothing but colours, and are for terminals whose user wants them`() {
        var table = TextTable([.init(title: "STATE", tones: ["on": .bad]), .init(title: "N", isNumber: true)])
        table.rows = [["on", "1"], ["off", "10"]]
        let coloured = table.text(Palette(hasColor: true))
        #expect(coloured.contains("\u{1b}[1;31mon\u{1b}[0m"))
        #expect(coloured.replacing(#/\u{1b}\[[0-9;]*m/#, with: "") == table.text)
        let terminal = ["TERM": "xterm"]
        #expect(ColorChoice.auto.palette(isTerminal: true, environment: terminal).hasColor)
        #expect(!ColorChoice.auto.palette(isTerminal: false, environment: terminal).hasColor)
        #expect(!ColorChoice.auto.palette(isTerminal: true, environment: ["TERM": "dumb"]).hasColor)
        #expect(!ColorChoice.auto.palette(isTerminal: true, environment: ["TERM": "xterm", "NO_COLOR": "1"]).hasColor)
        #expect(ColorChoice.auto.palette(isTerminal: true, environment: ["TERM": "xterm", "NO_COLOR": ""]).hasColor)
        #expect(ColorChoice.always.palette(isTerminal: false, environment: ["NO_COLOR": "1"]).hasColor)
        #expect(!ColorChoice.never.palette(isTerminal: true, environment: terminal).hasColor)
    }

    @Test func `progress says how far it is, or that something moves, and takes itself away`() async {
        let counted = Progress("exporting", unit: "events", total: 2_400, write: nil)
        counted.advance(by: 1_200)
        #expect(
            counted.line(after: .seconds(3))
                == "exporting [████████████░░░░░░░░░░░░]  50 %, 1,200 of 2,400 events, 3 s")
        counted.advance(by: 10_000)
        #expect(counted.line(after: .seconds(4)).contains("100 %, 2,400 of 2,400"))
        let unknown = Progress("verifying", write: nil)
        #expect(unknown.line(after: .zero) == "verifying [██░░░░░░░░░░░░░░░░░░░░░░] 0 s")
        #expect(unknown.line(after: .zero) != unknown.line(after: .milliseconds(300)))
        let written = Mutex("")
        let shown = Progress("repricing") { text in written.withLock { $0 += text } }
        await shown.during { while written.withLock({ $0.isEmpty }) { await Task.yield() } }
        #expect(written.withLock { $0.hasPrefix("\rrepricing [") && $0.hasSuffix("\r\u{1b}[K") })
    }

    @Test(arguments: [
        (0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567"), (Int.min, "-9,223,372,036,854,775,808"),
    ])
    func `numbers are grouped`(number: Int, text: String) { #expect(number.grouped == text) }

    @Test func `a wrong policy file is refused with file, line, field and what would be right`() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/p.yaml"
            let text = "products:\n  a: { class: ai }\nclasses: { ai: {} }\nlader: [\"${MODEL}\"]\n"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            let report = try PolicyCheck.parse([path]).check()
            #expect(!report.isSuccess)
            #expect(report.text == "\(path):4:1: lader: is not a field of a policy; did you mean ladder?")
            let json = try #require(
                try JSONSerialization.jsonObject(with: Data(report.json.utf8)) as? [String: Any])
            #expect(json["ok"] as? Bool == false)
            #expect((json["errors"] as? [[String: Any]])?.first?["line"] as? Int == 4)

            try text.replacing("lader", with: "ladder").write(toFile: path, atomically: true, encoding: .utf8)
            try Setting.$environment.withValue(["MODEL": "m"]) {
                let right = try PolicyCheck.parse([path]).check()
                #expect(right.isSuccess)
                #expect(right.json == #"{"ok":true,"products":1,"limits":0,"ladder_without_price":["m"]}"#)
                #expect(right.text.hasSuffix("\nladder: m has no price here, so it serves no call; correct its name"))
            }
            try Setting.$environment.withValue(["MODEL": "claude-haiku-4"]) {
                let right = try PolicyCheck.parse([path]).check()
                #expect(right.isSuccess && right.text.hasSuffix("is right: 1 products, 0 limits"))
            }
            let unset = try Setting.$environment.withValue([:]) { try PolicyCheck.parse([path]).check() }
            #expect(unset.text.contains("MODEL is not set"))
            #expect(throws: SettingError.self) { try PolicyCheck.parse([path + ".none"]).check() }
        }
    }
}
