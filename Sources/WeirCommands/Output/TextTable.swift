import WeirCore

/// Rows under a header, aligned: text to the left, numbers to the right.
struct TextTable: Equatable {
    struct Column: Equatable {
        let title: String
        var isNumber = false
        /// Words that mean something to who reads them.
        var tones: [String: Tone] = [:]
    }

    let columns: [Column]
    /// Each with as many cells as there are columns.
    var rows: [[String]] = []

    init(_ columns: [Column]) { self.columns = columns }

    /// Lines without trailing space.
    var text: String { text(.plain) }

    func text(_ palette: Palette) -> String {
        let lines = [columns.map(\.title)] + rows.map { $0.map(Self.printable) }
        let widths = columns.indices.map { index in lines.map { $0[index].count }.max() ?? 0 }
        return lines.enumerated().map { number, cells in
            var line = ""
            // Space that has to stand before the next cell, if one comes.
            var space = 0
            for (index, cell) in cells.enumerated() where !cell.isEmpty {
                let missing = widths[index] - cell.count
                let isNumber = columns[index].isNumber
                line += String(repeating: " ", count: space + (isNumber ? missing : 0))
                line += number == 0 ? palette.title(cell) : palette.text(cell, columns[index].tones[cell])
                space = (isNumber ? 0 : missing) + 2
            }
            return line
        }.joined(separator: "\n")
    }

    /// A line of titles, such as `cost_usd`, and one for each row; numbers without the commas that group them.
    var csv: String {
        let head = columns.map { $0.title.lowercased().replacing(" ", with: "_") }
        return ([head] + rows.map { zip(columns, $0).map(Self.field) })
            .map { $0.joined(separator: ",") }.joined(separator: "\n")
    }

    private static func field(_ column: Column, _ cell: String) -> String {
        guard column.isNumber else { return CSV.field(cell) }
        let digits = cell.replacing(",", with: "")
        return digits.wholeMatch(of: #/-?[0-9]+(\.[0-9]+)?/#) == nil ? CSV.field(cell == "-" ? "" : cell) : digits
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
