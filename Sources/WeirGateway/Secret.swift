/// A credential of the operator's. Nothing prints it, encodes it or reflects on it; only ``reveal()`` gives it out.
package struct Secret: Sendable, Hashable {
    private let value: String

    /// Nil for an empty value, and for one that cannot stand in a header.
    package init?(_ value: String) {
        guard !value.isEmpty, value.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        self.value = value
    }

    package func reveal() -> String { value }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "(secret)" }
    package var debugDescription: String { "(secret)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
