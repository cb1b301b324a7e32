import WeirCore

/// One header field on its way out.
struct Field: Equatable {
    let name: String
    let value: String
}

/// Header fields as they are gathered to be written, in their order. (`HTTPHeaders` looks at every byte of each name
/// that it is given, and its pairs are taken apart by the runtime one by one.)
typealias Fields = [Field]

extension Fields {
    mutating func add(name: String, value: String) { append(Field(name: name, value: value)) }

    mutating func remove(name: StaticString) { removeAll { $0.name.equalsIgnoringCase(name) } }

    /// What ``ByteCursor/put(_:)-(Fields)`` puts.
    var byteCount: Int { reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 } }
}

extension ByteCursor {
    /// A line for each.
    mutating func put(_ fields: Fields) {
        for field in fields {
            put(field.name)
            put(": " as StaticString)
            put(field.value)
            put("\r\n" as StaticString)
        }
    }
}
