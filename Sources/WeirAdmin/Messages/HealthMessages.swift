/// Whether the process serves.
package struct Health: Codable, Sendable {
    /// `ok` or `unready`.
    package var status: String
    /// Why not; empty when it is ready.
    package var reasons: [String]
}
