import WeirLedger

/// Denials of some days.
package struct DenialList: AdminList {
    /// UTC days, both included.
    package var from: String
    package var to: String
    package var total: Int
    /// Most first.
    package var denials: [DenialLine]
    package var nextCursor: String?

    package var items: [DenialLine] {
        get { denials }
        set { denials = newValue }
    }

    enum CodingKeys: String, CodingKey {
        case from, to, total, denials
        case nextCursor = "next_cursor"
    }
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
