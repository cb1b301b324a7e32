/// Rows under a header, aligned: text to the left, numbers to the right.
struct TextTable {
    struct Column {
        let title: String
        var isNumber = false
    }

    let columns: [Column]
    /// Each with as many cells as there are columns.
    var rows: [[String]] = []

    init(_ columns: [Column]) { self.columns = columns }

    /// Lines without trailing space.
    var text: String {
        let lines = [columns.map(\.title)] + rows.map { $0.map(Self.printable) }
        let widths = columns.indices.map { index in lines.map { $0[index].count }.max() ?? 0 }
        return lines.map { cells in
            var line = ""
            for (index, cell) in cells.enumerated() {
                let space = String(repeating: " ", count: widths[index] - cell.count)
                line += (index == 0 ? "" : "  ") + (columns[index].isNumber ? space + cell : cell + space)
            }
            while line.last == " " { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }

    /// Without control characters: a name from outside must not move the terminal's cursor. Nothing is shown as -.
    private static func printable(_ cell: String) -> String {
        let scalars = cell.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : Character($0) }
        return scalars.isEmpty ? "-" : String(scalars)
    }
}

extension Int {
    /// With a comma before each three digits: `1,234,567`.
    var grouped: String {
        var digits = String(magnitude)
        var parts: [String] = []
        while digits.count > 3 {
            parts.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return (self < 0 ? "-" : "") + ([digits] + parts).joined(separator: ",")
    }
}
