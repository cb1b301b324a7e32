import ArgumentParser
import Foundation

/// What a command has to say: to people, with `--json` to programs, and with `--csv` its tables to spreadsheets.
struct Report: Equatable {
    enum Part: Equatable {
        case text(String, Tone? = nil)
        /// - whenEmpty: what people read instead of a header without rows.
        case table(TextTable, whenEmpty: String? = nil)
    }

    enum Form: Equatable {
        case text(Palette)
        case json
        case csv
    }

    /// Each begins on a line of its own.
    var parts: [Part]
    var json: String
    /// False: it is said, and the command has failed all the same.
    var isSuccess = true

    init(_ parts: Part..., json: String, isSuccess: Bool = true) {
        (self.parts, self.json, self.isSuccess) = (parts, json, isSuccess)
    }

    init(text: String, json: String, isSuccess: Bool = true) {
        self.init(.text(text), json: json, isSuccess: isSuccess)
    }

    /// Without colours.
    var text: String { text(.plain) }

    func text(_ palette: Palette) -> String {
        parts.map { part in
            switch part {
            case .text(let text, let tone): palette.text(text, tone)
            case .table(let table, let whenEmpty):
                if table.rows.isEmpty, let whenEmpty { whenEmpty } else { table.text(palette) }
            }
        }.joined(separator: "\n")
    }

    /// Its tables, with an empty line between them; what is said around them is left out.
    var csv: String {
        parts.compactMap { part in
            if case .table(let table, _) = part { table.csv } else { nil }
        }.joined(separator: "\n\n")
    }

    func print(_ form: Form) throws {
        switch form {
        case .text(let palette): Swift.print(text(palette))
        case .json: Swift.print(json)
        case .csv: if !csv.isEmpty { Swift.print(csv) }
        }
        if !isSuccess { throw ExitCode.failure }
    }
}

/// Says why the command failed, on stderr, and ends it with exit code 1.
func failure(_ error: any Error) -> ExitCode {
    FileHandle.standardError.write(Data("weir: \(error)\n".utf8))
    return .failure
}
