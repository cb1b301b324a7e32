import Foundation

extension AdmitBench.Report {
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    var text: String {
        func row(_ name: String, _ figure: AdmitBench.Figure, _ ratio: Double?) -> [String] {
            [
                name, String(format: "%.0f", figure.rate), String(format: "%.2f", figure.redisMicros),
                ratio.map { String(format: "%.1f", $0) } ?? "1",
            ]
        }
        var table = TextTable([
            .init(title: "operation"), .init(title: "per second", isNumber: true),
            .init(title: "Redis CPU, µs", isNumber: true), .init(title: "against the floor", isNumber: true),
        ])
        table.rows = [
            row("EVALSHA of return 1", floor, nil), row("admit, 3 limits", admit, admitRatio),
            row("settle with its event", settle, settleRatio),
        ]
        return """
            \(connections) connection\(connections == 1 ? "" : "s"), \(pipeline) calls on their way on each, \
            \(subjects) user\(subjects == 1 ? "" : "s"), medians of \(rounds) rounds:
            \(table.text)
            """
    }
}
