import WeirCore

extension JSONScanner {
    /// Reads an object of which every member must be known and come once: a misspelt field that is passed over would be
    /// missed only when the money is gone.
    mutating func strictObject<Field: CaseIterable & RawRepresentable & Hashable>(
        _ fields: Field.Type, _ read: (Field, inout JSONScanner) throws(JSONError) -> Void
    ) throws(JSONError) where Field.RawValue == String {
        var members = try beginObject()
        var seen: Set<Field> = []
        while let name = try nextKey(&members) {
            guard let field = Field(rawValue: name) else {
                let known = Field.allCases.map(\.rawValue).joined(separator: ", ")
                throw JSONError(
                    .badValue(name: String(name.prefix(64)), why: "is no field here: there are \(known)"), at: offset)
            }
            guard seen.insert(field).inserted else { throw JSONError(.duplicateKey(name), at: offset) }
            try read(field, &self)
        }
    }

    /// 1 to 128 of what may become part of a key or a row.
    mutating func identifier(_ name: String) throws(JSONError) -> String {
        let text = try string()
        guard Subject.isValidID(text) else {
            throw JSONError(.badValue(name: name, why: "must be 1 to 128 of A-Z a-z 0-9 . _ @ : -"), at: offset)
        }
        return text
    }
}

extension JSONError {
    static func bad(_ name: String, _ why: String) -> JSONError { JSONError(.badValue(name: name, why: why), at: 0) }
}
