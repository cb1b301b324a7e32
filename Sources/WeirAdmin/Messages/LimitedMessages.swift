/// Until when to limit a team, and why.
package struct LimitedRequest: Codable, Sendable, StrictMessage {
    /// Unix seconds, in the future; or as text, RFC 3339. One of them is needed.
    package var until: Int?
    package var untilAt: String?
    package var reason: String?

    package init(until: Int? = nil, untilAt: String? = nil, reason: String? = nil) {
        self.untilAt = untilAt
        self.until = until
        self.reason = reason
    }

    package static let fields = CodingKeys.allCases.map(\.rawValue)

    enum CodingKeys: String, CodingKey, CaseIterable {
        case until, reason
        case untilAt = "until_at"
    }
}

/// One entry of a limited set.
package struct LimitedTeam: Codable, Sendable, Equatable {
    package var resource: String
    package var team: String
    /// Unix seconds; nil: without end.
    package var until: Int?
    package var untilAt: String?

    init(resource: String, team: String, until: Int?) {
        self.resource = resource
        self.team = team
        self.until = until
        untilAt = until.map(timeText)
    }

    enum CodingKeys: String, CodingKey {
        case resource, team, until
        case untilAt = "until_at"
    }
}

package struct LimitedList: AdminList {
    package var limited: [LimitedTeam]
    /// True if a resource has more than are listed at all.
    package var truncated: Bool
    package var nextCursor: String?

    package var items: [LimitedTeam] {
        get { limited }
        set { limited = newValue }
    }

    enum CodingKeys: String, CodingKey {
        case limited, truncated
        case nextCursor = "next_cursor"
    }
}

package struct Removed: Codable, Sendable {
    /// False: it was not there.
    package var removed: Bool
}
