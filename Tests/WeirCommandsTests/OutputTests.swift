import ArgumentParser
import Foundation
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
