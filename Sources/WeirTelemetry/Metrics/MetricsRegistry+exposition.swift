import Synchronization

extension MetricsRegistry {
    /// The type of ``exposition()``.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// All metrics, in order of names.
    /// Source: https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4.
    package func exposition() -> String {
        let all = state.withLock { Array($0.values) }
        var text = ""
        for series in all.sorted(by: { $0.family.name < $1.family.name }) { series.write(to: &text) }
        return text
    }
}

extension MetricsRegistry.Series {
    func write(to text: inout String) {
        let name = family.name
        text += "# HELP \(name) \(Exposition.help(family.help))\n# TYPE \(name) \(family.kind.rawValue)\n"
        func line(_ suffix: String, _ labels: String, _ value: String) {
            text += name + suffix + (labels.isEmpty ? "" : "{\(labels)}") + " " + value + "\n"
        }
        for (labels, cell) in counters.sorted(by: { $0.key < $1.key }) { line("", labels, String(cell.value)) }
        for (labels, cell) in gauges.sorted(by: { $0.key < $1.key }) { line("", labels, Exposition.number(cell.value)) }
        for (labels, value) in samples.sorted(by: { $0.labels < $1.labels }) { line("", labels, String(value)) }
        for (labels, cell) in histograms.sorted(by: { $0.key < $1.key }) {
            let (cumulative, sumNs) = cell.reading
            let bounds = cell.boundsNs.map { Exposition.number(Double($0) / 1e9) } + ["+Inf"]
            for (bound, count) in zip(bounds, cumulative) {
                line("_bucket", (labels.isEmpty ? "" : labels + ",") + "le=\"\(bound)\"", String(count))
            }
            line("_sum", labels, Exposition.number(Double(sumNs) / 1e9))
            line("_count", labels, String(cumulative.last ?? 0))
        }
    }
}

/// Pieces of the text format.
enum Exposition {
    /// `product="default",class="ai"`.
    static func labels(_ dimensions: [(String, String)]) -> String {
        dimensions.map { "\(labelName($0.0))=\"\(labelValue($0.1))\"" }.joined(separator: ",")
    }

    static func labelValue(_ value: String) -> String {
        guard value.utf8.contains(where: { $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\"") || $0 == 0x0a }) else {
            return value
        }
        var escaped = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": escaped += #"\\"#
            case "\"": escaped += #"\""#
            case "\n": escaped += #"\n"#
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    static func help(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += #"\\"#
            case "\n": escaped += #"\n"#
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// A name that the format allows; a counter's ends in `_total`.
    static func name(_ label: String, _ kind: MetricFamily.Kind) -> String {
        let name = legal(label, with: ":")
        return kind == .counter && !name.hasSuffix("_total") ? name + "_total" : name
    }

    private static func labelName(_ label: String) -> String { legal(label, with: "") }

    private static func legal(_ text: String, with more: String) -> String {
        var name = ""
        for scalar in text.unicodeScalars {
            let isLegal =
                ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_"
                || (!name.isEmpty && ("0"..."9").contains(scalar)) || more.unicodeScalars.contains(scalar)
            name.unicodeScalars.append(isLegal ? scalar : "_")
        }
        return name.isEmpty ? "_" : name
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value == value.rounded(), abs(value) < 9e15 { return String(Int(value)) }
        return "\(value)"
    }
}
