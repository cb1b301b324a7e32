import WeirCore
import WeirProviders

extension DataTable {
    /// The forms in which a table is handed out.
    enum Form: String, Sendable, CaseIterable {
        case csv, json

        var contentType: String { self == .csv ? "text/csv; charset=utf-8" : "application/json; charset=utf-8" }
    }

    func exported(as form: Form) -> [UInt8] {
        Array((piece(as: form, isFirst: true) + (form == .json ? "]\n" : "")).utf8)
    }

    /// Its rows as a part of an export of several tables of the same columns, the first of which begins it. What follows
    /// the last part of JSON is `]`.
    func piece(as form: Form, isFirst: Bool) -> String {
        switch form {
        case .csv: (isFirst ? [header] : []).joined() + csvRows
        case .json: (isFirst ? "[" : rows.isEmpty ? "" : ",") + jsonRows
        }
    }

    private var exportedColumns: [(offset: Int, column: Column)] {
        columns.enumerated().filter { !$0.element.isForScreenOnly }.map { ($0.offset, $0.element) }
    }

    /// RFC 4180.
    private var header: String {
        exportedColumns.map { CSV.field($0.column.field) }.joined(separator: ",") + "\r\n"
    }

    private var csvRows: String {
        rows.map { row in exportedColumns.map { row[$0.offset].csv }.joined(separator: ",") + "\r\n" }.joined()
    }

    /// Objects, by commas. Money is decimal text, times are RFC 3339.
    private var jsonRows: String {
        var writer = JSONWriter(capacity: 4096)
        for row in rows {
            writer.beginObject()
            for (offset, column) in exportedColumns {
                switch row[offset] {
                case .text(let text, _): writer.value(column.field, text)
                case .count(let number):
                    writer.key(text: column.field)
                    writer.int(number)
                case .money(let micros): writer.value(column.field, MicroUSD(micros: micros).description)
                case .time(let ms): writer.value(column.field, ms.map { rfc3339(ms: $0) })
                case .drawn(_, let text): writer.value(column.field, text)
                }
            }
            writer.endObject()
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

extension DataTable.Cell {
    fileprivate var csv: String {
        switch self {
        case .text(let text, _): CSV.field(text ?? "")
        case .count(let number): String(number)
        case .money(let micros): MicroUSD(micros: micros).description
        case .time(let ms): ms.map { rfc3339(ms: $0) } ?? ""
        case .drawn(_, let text): CSV.field(text)
        }
    }
}

extension JSONWriter {
    /// Null where there is nothing: every row has the same fields.
    fileprivate mutating func value(_ field: String, _ text: String?) {
        key(text: field)
        if let text { string(text) } else { null() }
    }
}
