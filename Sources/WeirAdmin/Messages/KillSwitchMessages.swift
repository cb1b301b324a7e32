import WeirCore

/// Throws the kill switch for a scope, or takes it back.
package struct KillSwitchRequest: Codable, Sendable, StrictMessage {
    /// `global`, `product:x`, `team:x`, `model:x`, `class:x`.
    package var scope: String
    package var on: Bool
    /// One sentence for those who are stopped. Required to throw it.
    package var reason: String?
    /// Unix seconds; nil: until it is switched off.
    package var until: Int?

    package init(scope: String, on: Bool, reason: String? = nil, until: Int? = nil) {
        self.scope = scope
        self.on = on
        self.reason = reason
        self.until = until
    }

    package static let fields = ["scope", "on", "reason", "until"]
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
    package var until: Int?

    init(scope: String, entry: KillSwitch.Entry, nowMs: Int) {
        self.scope = scope
        on = entry.on
        thrown = entry.isThrown(nowMs: nowMs)
        reason = entry.reason
        actor = entry.actor
        since = entry.since
        until = entry.until
    }
}

package struct KillSwitchList: Codable, Sendable {
    package var killSwitch: [KillSwitchState]

    enum CodingKeys: String, CodingKey { case killSwitch = "kill_switch" }
}
