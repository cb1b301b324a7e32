/// Fields of CSV that no spreadsheet takes for a formula.
enum CSV {
    /// A text that begins as a formula would (OWASP, "CSV Injection") gets an apostrophe before it, which spreadsheets read as
    /// "this is text". Numbers never come through here.
    static func field(_ text: String) -> String {
        var safe = text
        if let first = text.unicodeScalars.first, "=+-@\t\r\n".unicodeScalars.contains(first) { safe = "'" + text }
        guard safe.unicodeScalars.contains(where: { ",\"\r\n'".unicodeScalars.contains($0) }) else { return safe }
        return "\"" + safe.replacing("\"", with: "\"\"") + "\""
    }
}
