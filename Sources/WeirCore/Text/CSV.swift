/// Comma-separated values (RFC 4180) that no spreadsheet takes for a formula.
package enum CSV {
    /// One field. A text that begins as a formula would (OWASP, "CSV Injection") gets an apostrophe before it, which
    /// spreadsheets read as "this is text". A number is not given here but written as it is.
    package static func field(_ text: String) -> String {
        var safe = text
        if let first = text.unicodeScalars.first, "=+-@\t\r\n".unicodeScalars.contains(first) { safe = "'" + text }
        guard safe.unicodeScalars.contains(where: { ",\"\r\n'".unicodeScalars.contains($0) }) else { return safe }
        return "\"" + safe.replacing("\"", with: "\"\"") + "\""
    }
}
