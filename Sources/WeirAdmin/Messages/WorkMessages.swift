/// How far a request has come.
package struct WorkDescription: Codable, Sendable, Equatable {
    /// Calls that were replayed, or days that are done.
    package var done: Int
    /// Of about so many; 0: not known yet.
    package var total: Int
}
