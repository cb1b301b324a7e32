import WeirLedger

/// Denials of some days.
package struct DenialList: Codable, Sendable {
    /// UTC days, both included.
    package var from: String
    package var to: String
    package var total: Int
    /// Most first.
    package var denials: [DenialLine]
}

package struct DenialLine: Codable, Sendable, Equatable {
    package var team: String
    package var user: String?
    package var limit: String?
    package var reason: String
    package var denials: Int

    init(_ row: DenialRow) {
        team = row.team
        user = row.user
        limit = row.limit
        reason = row.reason
        denials = row.denials
    }
}
