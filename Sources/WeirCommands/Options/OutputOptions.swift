import ArgumentParser

/// How a command answers.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Answer in JSON.")
    var json = false

    @Option(help: "Colours: auto (on a terminal, unless NO_COLOR is set), always or never.")
    var color: ColorChoice = .auto

    var form: Report.Form { json ? .json : .text(color.palette) }
}

/// Of commands that answer with a table.
struct TableOptions: ParsableArguments {
    @Flag(help: "Answer with comma-separated values; no cell is one that a spreadsheet takes for a formula.")
    var csv = false

    /// The form that is asked for.
    func form(_ output: OutputOptions) throws -> Report.Form {
        guard csv else { return output.form }
        if output.json { throw ValidationError("Give --json or --csv, not both.") }
        return .csv
    }
}
