/// The names of an object's members that a reader knows, at most 64, as cases of an enum whose raw values are the
/// names. Make one per kind of object and keep it in a `static let`.
public struct JSONFields<Field: CaseIterable & RawRepresentable & Sendable>: Sendable where Field.RawValue == String {
    @usableFromInline let cases: [Field]
    @usableFromInline let names: JSONNames

    public init(_: Field.Type = Field.self) {
        cases = Array(Field.allCases)
        names = JSONNames(cases.map(\.rawValue))
    }
}

/// Finds a name's index by its bytes: by length first, then by comparison. No hashing, no allocation.
@usableFromInline struct JSONNames: Sendable {
    private struct Entry { let index, start, count: Int }
    private let entries: [Entry]
    private let bytes: [UInt8]
    /// Per length, where its entries begin.
    private let starts: [Int]

    /// More than 64 names do not fit the mask that finds duplicates: our own mistake.
    init(_ names: [String]) {
        precondition(names.count <= 64, "JSONFields holds at most 64 names")
        let sorted = names.enumerated().sorted { $0.element.utf8.count < $1.element.utf8.count }
        var bytes: [UInt8] = []
        var entries: [Entry] = []
        var starts = [0]
        for (index, name) in sorted {
            let count = name.utf8.count
            while starts.count <= count { starts.append(entries.count) }
            entries.append(Entry(index: index, start: bytes.count, count: count))
            bytes += name.utf8
        }
        starts.append(entries.count)
        (self.entries, self.bytes, self.starts) = (entries, bytes, starts)
    }

    func index(of name: UnsafeRawBufferPointer) -> Int? {
        let count = name.count
        guard count + 1 < starts.count else { return nil }
        for position in starts[count]..<starts[count + 1] {
            let entry = entries[position]
            var same = 0
            while same < count, name[same] == bytes[entry.start + same] { same += 1 }
            if same == count { return entry.index }
        }
        return nil
    }
}
