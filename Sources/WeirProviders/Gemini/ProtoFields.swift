import WeirCore

/// The names of a proto3 JSON object's fields that a reader knows.
///
/// Google's parsers take a field in lowerCamelCase and as it stands in the .proto file, in snake_case, so one that comes
/// in both spellings is as ambiguous as one that comes twice.
/// Source: https://protobuf.dev/programming-guides/json/
struct ProtoFields<Field: CaseIterable & RawRepresentable & Hashable & Sendable>: Sendable
where Field.RawValue == String {
    private let names: [String: Field]

    /// The enum's raw values are the names in lowerCamelCase.
    init(_: Field.Type = Field.self) {
        var names: [String: Field] = [:]
        for field in Field.allCases {
            names[field.rawValue] = field
            names[Self.snake(field.rawValue)] = field
        }
        self.names = names
    }

    private static func snake(_ name: String) -> String {
        name.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
    }

    /// Where the reading of one object stands.
    struct Members {
        fileprivate var members: JSONScanner.Members
        fileprivate var seen: Set<Field> = []
        /// Whether no field, known or not, has been met yet.
        fileprivate(set) var isEmpty = true
    }

    func begin(_ scanner: inout JSONScanner) throws(JSONError) -> Members {
        Members(members: try scanner.beginObject())
    }

    /// The next known field; others are checked and skipped. Nil after the last.
    func next(_ members: inout Members, in scanner: inout JSONScanner) throws(JSONError) -> Field? {
        while let key = try scanner.nextKey(&members.members) {
            members.isEmpty = false
            guard let field = names[key] else {
                try scanner.skip()
                continue
            }
            guard members.seen.insert(field).inserted else {
                throw JSONError(.duplicateKey(key), at: scanner.offset)
            }
            return field
        }
        return nil
    }
}
