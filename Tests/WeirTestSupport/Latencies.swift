/// How long things took: for reports. Tests do not judge by it, since the machine may be doing anything else.
package struct Latencies: Sendable {
    private var all: [Duration] = []

    package init() {}

    package mutating func append(_ duration: Duration) { all.append(duration) }
    package mutating func append(contentsOf others: Latencies) { all += others.all }

    /// The time that so many of a hundred did not exceed, in milliseconds; `-` of nothing.
    package func percentile(_ percent: Int) -> String {
        guard !all.isEmpty else { return "-" }
        let rank = min(all.count - 1, all.count * percent / 100)
        let tenths = Int(all.sorted()[rank] / .microseconds(100))
        return "\(tenths / 10).\(tenths % 10) ms"
    }
}
