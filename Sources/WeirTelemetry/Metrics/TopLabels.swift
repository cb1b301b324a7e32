/// Keeps the series of a metric few, however many names there are: the largest by name, all others together.
package enum TopLabels {
    /// - Parameter isNamed: what may stand as a label at all; nil: everything.
    /// - Returns: at most `count` names, and ``MetricsRegistry/other`` if anything is left.
    package static func most(
        _ count: Int, of values: [(name: String, value: Int)], isNamed: ((String) -> Bool)? = nil
    ) -> [(labels: [String], value: Int)] {
        var kept: [(labels: [String], value: Int)] = []
        var rest = 0
        var hasRest = false
        for (name, value) in values.sorted(by: { ($1.value, $0.name) < ($0.value, $1.name) }) {
            if kept.count < count, isNamed?(name) ?? true {
                kept.append(([name], value))
            } else {
                let (sum, overflow) = rest.addingReportingOverflow(value)
                rest = overflow ? .max : sum
                hasRest = true
            }
        }
        if hasRest { kept.append(([MetricsRegistry.other], rest)) }
        return kept
    }
}
