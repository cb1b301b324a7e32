/// Until when to limit a team, and why.
package struct LimitedRequest: Codable, Sendable, StrictMessage {
    /// Unix seconds, in the future.
    package var until: Int
    package var reason: String?

    package init(until: Int, reason: String? = nil) {
        self.until = until
        self.reason = reason
    }

    package static let fields = ["until", "reason"]
}

/// One entry of a limited set.
package struct LimitedTeam: Codable, Sendable, Equatable {
    package var resource: String
    package var team: String
    /// Unix seconds; nil: without end.
    package var until: Int?
}

package struct LimitedList: Codable, Sendable {
    package var limited: [LimitedTeam]
    /// True if there are more than were asked for of a resource.
    package var truncated: Bool
}

package struct Removed: Codable, Sendable {
    /// False: it was not there.
    package var removed: Bool
}
