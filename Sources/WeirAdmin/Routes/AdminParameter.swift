import WeirCore

/// A parameter of a query: what it may be, for the check of requests and for the document alike.
struct AdminParameter: Sendable {
    enum Kind: Sendable {
        /// 1 to 128 of `A-Z a-z 0-9 . _ @ : -`.
        case id
        /// One line of at most 500 bytes.
        case text
        /// A UTC day, `2026-11-21`.
        case day
        /// A moment, RFC 3339 in UTC.
        case time
        case integer(ClosedRange<Int>)
        case oneOf([String])
    }

    let name: String
    let about: String
    let kind: Kind
    var isRequired = false

    init(_ name: String, _ kind: Kind, _ about: String, isRequired: Bool = false) {
        self.name = name
        self.kind = kind
        self.about = about
        self.isRequired = isRequired
    }

    /// - Throws: ``AdminError`` that names the parameter.
    func check(_ value: String) throws(AdminError) {
        switch kind {
        case .id:
            guard Subject.isValidID(value) else {
                throw fault("\"\(value.prefix(60))\" cannot be \(name)", "use 1 to 128 of A-Z a-z 0-9 . _ @ : -")
            }
        case .text:
            guard value.utf8.count <= 500, value.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f })
            else { throw fault("\(name) is not one line of at most 500 bytes") }
        case .day:
            guard UTCDay(value) != nil else { throw fault("\(name) is not a day", "write it as 2026-11-21 (UTC)") }
        case .time:
            guard moment(value) != nil else {
                throw fault("\(name) is not a time", "write it as 2026-11-21T10:48:00Z")
            }
        case .integer(let range):
            guard let number = Int(value), range.contains(number) else {
                throw fault("\(name) must be from \(range.lowerBound) to \(range.upperBound)")
            }
        case .oneOf(let words):
            guard words.contains(value) else {
                throw fault("\(name) cannot be \"\(value.prefix(60))\"", "use \(words.joined(separator: ", "))")
            }
        }
    }

    private func fault(_ message: String, _ hint: String? = nil) -> AdminError {
        AdminError(.invalidField, message, hint: hint, field: name)
    }
}
