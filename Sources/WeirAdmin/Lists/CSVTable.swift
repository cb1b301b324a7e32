import WeirCore

/// The items of a list as CSV (RFC 4180), one column per field, in the order in which the message has them.
package struct CSVTable: Sendable {
    let columns: [String]

    /// - Parameter item: its fields are found by decoding: ``MessageSchema``.
    init(of item: (some Decodable).Type) {
        if case .object(let fields) = MessageSchema.of(item) { columns = fields.map(\.name) } else { columns = [] }
    }

    var header: [UInt8] { Array((columns.joined(separator: ",") + "\r\n").utf8) }

    func rows(_ items: [some Encodable]) throws -> [UInt8] {
        var bytes: [UInt8] = []
        for item in items {
            let cells = try Self.cells(of: encoded(item))
            for (index, column) in columns.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes += Self.field(cells[column] ?? "").utf8
            }
            bytes += "\r\n".utf8
        }
        return bytes
    }

    /// One field: a plain number as it is, a text so that no spreadsheet takes it for a formula.
    package static func field(_ cell: String) -> String {
        let isNumber =
            Int(cell) != nil && cell.first != "+" || cell.first == "-" && MicroUSD(String(cell.dropFirst())) != nil
        return isNumber ? cell : CSV.field(cell)
    }

    /// The members of a JSON object as text: names joined by spaces, other things as JSON.
    private static func cells(of json: [UInt8]) throws(JSONError) -> [String: String] {
        var cells: [String: String] = [:]
        try JSONScanner.read(json) { (scanner) throws(JSONError) in
            var members = try scanner.beginObject()
            while let key = try scanner.nextKey(&members) {
                switch try scanner.kind() {
                case .string: cells[key] = try scanner.string()
                case .null: _ = try scanner.skip()
                case .array:
                    let start = scanner.offset
                    cells[key] = try names(&scanner) ?? String(decoding: json[start..<scanner.offset], as: UTF8.self)
                case .object, .number, .bool:
                    cells[key] = String(decoding: json[try scanner.skip()], as: UTF8.self)
                }
            }
        }
        return cells
    }

    /// Strings joined by spaces; nil if the array has anything else. Stands behind the array then.
    private static func names(_ scanner: inout JSONScanner) throws(JSONError) -> String? {
        var elements = try scanner.beginArray()
        var names: [String]? = []
        while try scanner.next(&elements) {
            if try scanner.kind() == .string {
                let name = try scanner.string()
                names?.append(name)
            } else {
                _ = try scanner.skip()
                names = nil
            }
        }
        return names?.joined(separator: " ")
    }
}
