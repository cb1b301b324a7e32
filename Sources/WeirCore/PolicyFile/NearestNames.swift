/// The valid names that a misspelt one may have meant: those within two edits (three for long names), nearest first.
func nearestNames(to name: String, among valid: [String]) -> [String] {
    let tolerance = name.count > 8 ? 3 : 2
    let near = valid.map { (name: $0, distance: editDistance(Array(name.prefix(64)), Array($0))) }
        .filter { $0.distance <= tolerance && $0.distance < $0.name.count }
    return near.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }.prefix(3).map(\.name)
}

/// What to advise for a name that is not among the valid ones.
func advice(for name: String, among valid: [String]) -> String {
    let near = nearestNames(to: name, among: valid)
    if !near.isEmpty { return "did you mean \(near.joined(separator: " or "))?" }
    return valid.isEmpty ? "none is defined" : "use one of \(valid.sorted().joined(separator: ", "))"
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one text into the other (Damerau's distance,
/// restricted).
private func editDistance(_ left: [Character], _ right: [Character]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for i in 0..<left.count {
        var current = [i + 1]
        for j in 0..<right.count {
            var least = min(last[j + 1] + 1, current[j] + 1, last[j] + (left[i] == right[j] ? 0 : 1))
            if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                least = min(least, beforeLast[j - 1] + 1)
            }
            current.append(least)
        }
        (beforeLast, last) = (last, current)
    }
    return last[right.count]
}
