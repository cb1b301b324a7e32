/// A row of `usage_event` as one JSON object, its fields named as the columns.
package struct ExportedEvent: Sendable, Hashable {
    /// Where it stands in the order of an export: by time, then by id.
    package struct Place: Sendable, Hashable {
        package var calledAtMs: Int
        package var id: String

        package init(calledAtMs: Int, id: String) {
            self.calledAtMs = calledAtMs
            self.id = id
        }
    }

    package var place: Place
    package var json: String
}

extension ExportedEvent.Place {
    /// `<called_at>:<id>`; nil for any other text.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let ms = Int(parts[0]) else { return nil }
        self.init(calledAtMs: ms, id: String(parts[1]))
    }

    package var text: String { "\(calledAtMs):\(id)" }
}
