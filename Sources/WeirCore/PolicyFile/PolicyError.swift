/// One thing that is wrong in a policy file: where, in which field, and what would be right.
public struct PolicyError: Error, Sendable, Hashable, CustomStringConvertible {
    public var file: String
    /// From 1; the column counts Unicode scalars.
    public var line: Int
    public var column: Int
    /// The path of the field, such as `limits[2].amount`; empty for the file as a whole.
    public var field: String
    public var problem: String
    public var remedy: String

    public init(file: String, line: Int, column: Int, field: String, problem: String, remedy: String) {
        self.file = file
        self.line = line
        self.column = column
        self.field = field
        self.problem = problem
        self.remedy = remedy
    }

    /// `policy.yaml:12:5: limits[2].amont: is not a field of a limit; did you mean amount?`
    public var description: String {
        "\(file):\(line):\(column): \(field.isEmpty ? "" : field + ": ")\(problem); \(remedy)"
    }
}

/// Everything that is wrong in a policy file, in the order of its lines. Never empty. Nothing of such a file is applied.
public struct PolicyErrors: Error, Sendable, Hashable, CustomStringConvertible {
    public let errors: [PolicyError]

    init(_ errors: [PolicyError]) {
        self.errors = errors.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
    }

    /// One error a line.
    public var description: String { errors.map(\.description).joined(separator: "\n") }
}
