import Yams

extension PolicyFile {
    /// The root of the text's one document; nil after a report.
    static func root(of text: String, _ reading: PolicyReading) -> Node? {
        guard text.utf8.count <= largestTextBytes else {
            reading.report(
                nil, "", "the file has \(text.utf8.count) bytes", "a policy has at most \(largestTextBytes)")
            return nil
        }
        // A reference may stand for a thousand others, each of them for a thousand more; no policy needs one.
        if let reference = firstReference(in: text) {
            reading.report(
                reference, "", "anchors (&name) and aliases (*name) are not read here",
                "write the value out, or put it in quotes if it begins with & or *")
            return nil
        }
        do {
            if let node = try compose(yaml: text) { return node }
            reading.report(nil, "", "the file is empty", "a policy needs products and classes")
        } catch let error as YamlError {
            report(error, in: text, reading)
        } catch {
            reading.report(nil, "", "the file cannot be read: \(error)", "write it in UTF-8 YAML")
        }
        return nil
    }

    private static func report(_ error: YamlError, in text: String, _ reading: PolicyReading) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let context = context.map { " (\($0.text))" } ?? ""
            reading.report(
                TextPlace(line: mark.line, column: mark.column), "", "this is not YAML: \(problem)\(context)",
                remedy(for: mark.line, of: text))
        case .duplicatedKeysInMapping(let names, let context):
            let names = names.map(quoted).joined(separator: ", ")
            reading.report(
                TextPlace(line: context.mark.line, column: context.mark.column), "",
                "\(names) is given twice in one mapping", "keep one of the two")
        case .reader(let problem, let offset, _, let yaml):
            let before = offset.map { yaml.prefix($0) } ?? ""
            let line = before.count(where: \.isNewline) + 1
            let column = before.reversed().prefix { !$0.isNewline }.count + 1
            reading.report(
                TextPlace(line: line, column: column), "", "this is not YAML: \(problem)",
                "write the file in plain UTF-8")
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            reading.report(nil, "", "the file cannot be read: \(error)", "write it in UTF-8 YAML")
        }
    }

    /// The usual reason in a line with a variable: braces mean something to YAML, too.
    private static func remedy(for line: Int, of text: String) -> String {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        let hasVariable = line >= 1 && line <= lines.count && lines[line - 1].contains("${")
        return hasVariable ? "put \"${…}\" in double quotes" : "mend the line"
    }

    /// Where a value begins with `&` or `*`, outside of lines that are a comment. Quoted text may be taken for a
    /// reference, never the other way round.
    private static func firstReference(in text: String) -> TextPlace? {
        var line = 1
        for content in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            defer { line += 1 }
            if content.first(where: { $0 != " " && $0 != "\t" }) == "#" { continue }
            var previous: Unicode.Scalar = " "
            for (column, scalar) in content.unicodeScalars.enumerated() {
                if scalar == "&" || scalar == "*", " \t[{,:".unicodeScalars.contains(previous) {
                    return TextPlace(line: line, column: column + 1)
                }
                previous = scalar
            }
        }
        return nil
    }
}
