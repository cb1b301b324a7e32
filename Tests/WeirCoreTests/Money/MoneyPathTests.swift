import Foundation
import Testing

@Suite struct MoneyPathTests {
    private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Sources")

    /// Everything from a request to the ledger's row. What measures and shows (benchmarks, the simulator) is not.
    private static let modules = [
        "WeirCore", "WeirProviders", "WeirRedis", "WeirLedger", "WeirEnforcer", "WeirGateway", "WeirAggregator",
        "WeirAdmin",
    ]

    /// Floating point that is no amount, by file.
    private static let exceptions = [
        // Scores of the limited set are times, and Redis writes them as it likes.
        "WeirAdmin/Publishing/Publication.swift", "WeirAggregator/Evaluate/Evaluator.swift",
        "WeirEnforcer/ReplicaReader.swift",
        // Integers below 2^53, packed as scripts take them.
        "WeirRedis/Reservations/PackedNumbers.swift",
        // A timeout in seconds, as the library wants it.
        "WeirLedger/SQLite/SQLiteLedger.swift",
    ]

    @Test func `no floating point is anywhere on the way of money`() throws {
        let floating = try Regex(#"\b(Double|Float|Float16|Float80|Decimal|CGFloat|REAL)\b"#)
        var found: Set<String> = []
        var count = 0
        for module in Self.modules {
            let root = Self.sources.appendingPathComponent(module)
            let files = try #require(FileManager.default.enumerator(atPath: root.path))
            for case let file as String in files where file.hasSuffix(".swift") {
                count += 1
                let text = try String(contentsOf: root.appendingPathComponent(file), encoding: .utf8)
                let code = text.split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("//") }
                if code.contains(where: { $0.contains(floating) }) { found.insert("\(module)/\(file)") }
            }
        }
        #expect(count > 200, "the sources are where they are looked for")
        #expect(found == Set(Self.exceptions))
    }
}
