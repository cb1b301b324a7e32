import ArgumentParser
import Foundation
import WeirAdmin

/// `weir ledger export`.
struct LedgerExport: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes the calls of some days to stdout, one JSON object per line.",
        discussion: """
            In order of time, corrections included; the fields are the columns of usage_event. Money is micro-dollars, times \
            are milliseconds since 1970.

              weir ledger export --from 2026-11-01 --to 2026-11-30 > november.jsonl
            """)

    @Option(help: "The first UTC day, such as 2026-11-01.")
    var from: String

    @Option(help: "The last day, included.")
    var to: String

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        let progress = Progress("exporting", unit: "events")
        if progress.isShown {
            // Corrections are events, too, and no calls: it may end a little late.
            let usage = try await client.send(
                .get, ["usage"], query: [("by", "day"), ("from", from), ("to", to)], as: UsageAnswer.self)
            progress.expect(usage.message.total.calls)
        }
        var lines = 0
        try await progress.during {
            try await pages(client) { text in
                let count = text.utf8.count { $0 == UInt8(ascii: "\n") }
                lines += count
                progress.advance(by: count)
                FileHandle.standardOutput.write(Data(text.utf8))
            }
        }
        return Report(text: "\(lines) events", json: "")
    }

    /// What was written to stdout is the answer.
    func run() async throws {
        do { _ = try await report() } catch { throw failure(error) }
    }

    /// Page by page, so that neither side holds more than one.
    func pages(_ client: AdminClient, _ write: (String) -> Void) async throws {
        var after: String?
        repeat {
            let page = try await client.send(
                .get, ["ledger", "events"], query: [("from", from), ("to", to), ("after", after)], as: EventPage.self
            ).message
            if !page.events.isEmpty { write(page.events.joined(separator: "\n") + "\n") }
            after = page.next
        } while after != nil
    }
}
