import WeirCore
import WeirProviders

/// Throws the kill switch for a scope, or takes it back.
package struct KillSwitchRequest: Codable, Sendable, StrictMessage {
    /// `global`, `product:x`, `team:x`, `model:x`, `class:x`.
    package var scope: String
    package var on: Bool
    /// One sentence for those who are stopped. Required to throw it.
    package var reason: String?
    /// Unix seconds, or as text, RFC 3339; nil: until it is switched off.
    package var until: Int?
    package var untilAt: String?

    package init(scope: String, on: Bool, reason: String? = nil, until: Int? = nil, untilAt: String? = nil) {
        self.untilAt = untilAt
        self.scope = scope
        self.on = on
        self.reason = reason
        self.until = until
    }

    package static let fields = CodingKeys.allCases.map(\.rawValue)

    enum CodingKeys: String, CodingKey, CaseIterable {
        case scope, on, reason, until
        case untilAt = "until_at"
    }
}

/// One scope of the switch.
package struct KillSwitchState: Codable, Sendable, Equatable {
    package var scope: String
    /// What the entry says, and whether it stops calls now.
    package var on: Bool
    package var thrown: Bool
    package var reason: String
    package var actor: String
    /// Unix seconds.
    package var since: Int
    package var sinceAt: String
    package var until: Int?
    package var untilAt: String?

    init(scope: String, entry: KillSwitch.Entry, nowMs: Int) {
        self.scope = scope
        on = entry.on
        thrown = entry.isThrown(nowMs: nowMs)
        reason = entry.reason
        actor = entry.actor
        since = entry.since
        sinceAt = timeText(unixSeconds: entry.since)
        until = entry.until
        untilAt = entry.until.map(timeText)
    }

    enum CodingKeys: String, CodingKey {
        case scope, on, thrown, reason, actor, since, until
        case sinceAt = "since_at"
        case untilAt = "until_at"
    }
}

/// RFC 3339.
func timeText(unixSeconds: Int) -> String { rfc3339(ms: unixSeconds.multipliedSaturated(by: 1000)) }

package struct KillSwitchList: AdminList {
    package var killSwitch: [KillSwitchState]
    package var nextCursor: String?

    package var items: [KillSwitchState] {
        get { killSwitch }
        set { killSwitch = newValue }
    }

    enum CodingKeys: String, CodingKey {
        case killSwitch = "kill_switch"
        case nextCursor = "next_cursor"
    }
}
