import Foundation

extension IngestBench.Report {
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    var text: String {
        func row(_ name: String, _ figure: IngestBench.Figure, redis: Double?) -> [String] {
            [
                name, String(format: "%.0f", figure.rate), String(format: "%.1f", figure.micros),
                redis.map { String(format: "%.1f", $0) } ?? "",
            ]
        }
        var table = TextTable([
            .init(title: "way"), .init(title: "events a second", isNumber: true),
            .init(title: "CPU, µs an event", isNumber: true), .init(title: "Redis CPU, µs", isNumber: true),
        ])
        table.rows = [
            row("from the streams into the ledger", ingest, redis: redisMicros),
            row("plain inserts into a table", plain, redis: nil),
        ]
        return """
            \(events) events of \(users) users in \(teams) teams, \(batch) to a transaction, medians of \(rounds) \
            round\(rounds == 1 ? "" : "s"):
            \(table.text)
            the ledger takes \(String(format: "%.2f", ratio)) × the rate of the plain inserts
            """
    }
}
