import ArgumentParser
import Foundation
import Testing
import WeirAdmin
import WeirCore
import WeirLedger
import WeirTestSupport

@testable import WeirCommands

@Suite struct PriceCommandTests {
    @Test func `prices are checked, added and listed, and the ledger repriced by them`() async throws {
        try await withAggregator { directory, ledger, _ in
            let path = directory + "/prices.json"
            let file = PriceSource.form.split(separator: "\n").dropFirst().joined(separator: "\n")
            try file.write(toFile: path, atomically: true, encoding: .utf8)
            let check = try PricesCheck.parse([path]).check()
            #expect(check.isSuccess)
            #expect(check.text.hasSuffix("anthropic/claude-example-1 from 2026-11-21: 3.00/15.00 (new)"))
            let noonMs = 1_795_262_400_000
            let event = UsageEvent(
                id: "1", calledAtMs: noonMs, team: "acme", product: "slack_app", billable: true, callClass: "ai",
                endpoint: "messages", provider: "anthropic", requestedModel: "claude-example-1",
                model: "claude-example-1", tokens: TokenUsage(input: 1_000_000), priceVersion: "1", isModelKnown: false)
            _ = try await ledger.ingest([event], deadLetters: [])
            let reprice = ["--from", "2026-11-21", "--to", "2026-11-21"]
            #expect(
                try await LedgerReprice.parse(reprice).report().text.hasSuffix(
                    "1 calls have no price and stay as they are (weir prices list)"))

            let added = try await PricesAdd.parse([path, "--note", "n"]).report().text
            #expect(added.hasPrefix("1 price added; the prices are now ") && added.hasSuffix("+1"))
            let list = try await PricesList.parse(["--day", "2026-11-21"]).report().text
            let row = list.split(separator: "\n").first { $0.contains("claude-example-1") } ?? ""
            #expect(
                row.split(separator: " ").map(String.init) == [
                    "anthropic", "claude-example-1", "2026-11-21", "3.00", "0.30", "3.75", "6.00", "15.00", "-", "50",
                    "%",
                ])
            let before = try await PricesList.parse(["--day", "2026-11-20"]).report().text
            #expect(!before.contains("claude-example-1"))
            let dry = try await LedgerReprice.parse(reprice + ["--dry-run"]).report().text
            #expect(dry.hasSuffix("1 of 1 calls would be corrected, by 3.00 USD in all"))
            let done = try await LedgerReprice.parse(reprice).report().text
            #expect(done.hasSuffix("1 of 1 calls corrected, by 3.00 USD in all"))
            #expect(try await LedgerVerify.parse([]).report().text == "every day's sums are the sums of its events")

            var exported = ""
            let export = try LedgerExport.parse(reprice)
            try await AdminClient.with(url: Setting.adminURL.value(nil) ?? "", token: "token-of-the-tests") { client in
                try await export.pages(client) { exported += $0 }
            }
            let lines = exported.split(separator: "\n")
            #expect(lines.count == 2 && lines[1].contains(#""outcome":"repriced""#))

            try file.replacing("valid_from", with: "validfrom").write(toFile: path, atomically: true, encoding: .utf8)
            let wrong = try PricesCheck.parse([path]).check()
            #expect(!wrong.isSuccess && wrong.text.contains("valid_from is missing"))
            try "{".write(toFile: path, atomically: true, encoding: .utf8)
            let error = #expect(throws: SettingError.self) { try PricesCheck.parse([path]).check() }
            #expect(error?.description.contains("this is not JSON") == true)
        }
    }
}
