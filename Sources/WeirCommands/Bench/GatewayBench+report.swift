import Foundation

extension GatewayBench.Report {
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    var text: String {
        let connected = "\(connections) connection\(connections == 1 ? "" : "s")"
        var lines = [
            isStream
                ? "\(requests) streams over \(connected), an event every \(GatewayBench.eventPauseMs) ms, "
                    + "medians of \(rounds) rounds:"
                : "\(requests) calls over \(connected), medians of \(rounds) rounds; latencies in µs:",
            table.text,
        ]
        if let cpuRatio {
            lines.append("gateway's CPU against nginx's: " + String(format: "%.2f", cpuRatio))
        } else {
            lines.append("nginx is not installed, so the gateway's CPU stands alone: apt-get install nginx-light")
        }
        if !isStream {
            lines.append(
                String(format: "added to a call on one connection: p50 %.0f µs, p99 %.0f µs", addedP50, addedP99))
        }
        lines.append(String(format: "Redis's CPU for a call: %.1f µs", redisMicros))
        if gateway.failures > 0 { lines.append("calls that the gateway did not answer with 200: \(gateway.failures)") }
        lines.append(String(format: "the gateway's memory: %.1f MiB idle, %.1f MiB at most", idleMemory, mostMemory))
        return lines.joined(separator: "\n")
    }

    private var table: TextTable {
        let unit = isStream ? "event" : "call"
        var columns: [TextTable.Column] = [
            .init(title: "through"), .init(title: "\(unit)s/s", isNumber: true),
            .init(title: "its CPU per \(unit), µs", isNumber: true),
        ]
        if !isStream {
            columns += ["p50", "p99", "p50 alone", "p99 alone"].map { .init(title: $0, isNumber: true) }
        }
        var table = TextTable(columns)
        func row(_ name: String, _ figure: GatewayBench.Figure) -> [String] {
            var cells = [name, String(format: "%.0f", figure.rate), String(format: "%.1f", figure.cpuMicros)]
            if !isStream {
                cells += [figure.p50, figure.p99, figure.aloneP50, figure.aloneP99].map { String(format: "%.0f", $0) }
            }
            return cells
        }
        table.rows = [row("nothing (the simulator)", direct)]
        if let nginx { table.rows.append(row("nginx", nginx)) }
        table.rows.append(row("weir gateway", gateway))
        return table
    }
}
