import WeirCore
import WeirLedger

/// A team: what it has, and what it spent in this calendar month.
package struct TeamDescription: Codable, Sendable, Equatable {
    package var team: String
    package var users: Int
    package var keys: Int
    package var activeKeys: Int
    package var monthCalls: Int
    package var monthCostMicros: Int
    package var monthCostUSD: String

    init(_ row: TeamRow) {
        team = row.team
        users = row.users
        keys = row.keys
        activeKeys = row.activeKeys
        monthCalls = row.totals.calls
        monthCostMicros = row.totals.cost.micros
        monthCostUSD = row.totals.cost.description
    }

    enum CodingKeys: String, CodingKey {
        case team, users, keys
        case activeKeys = "active_keys"
        case monthCalls = "month_calls"
        case monthCostMicros = "month_cost_micros"
        case monthCostUSD = "month_cost_usd"
    }
}

package struct TeamList: AdminList {
    /// The month: `2026-11`.
    package var month: String
    package var teams: [TeamDescription]
    package var nextCursor: String?

    package var items: [TeamDescription] {
        get { teams }
        set { teams = newValue }
    }

    enum CodingKeys: String, CodingKey {
        case month, teams
        case nextCursor = "next_cursor"
    }
}

/// A user of a team: the groups of the keys that are not revoked, and what was spent in this calendar month.
package struct UserDescription: Codable, Sendable, Equatable {
    package var team: String
    package var user: String
    package var groups: [String]
    package var keys: Int
    package var activeKeys: Int
    package var monthCalls: Int
    package var monthCostMicros: Int
    package var monthCostUSD: String

    init(_ row: UserRow) {
        team = row.team
        user = row.user
        groups = row.groups
        keys = row.keys
        activeKeys = row.activeKeys
        monthCalls = row.totals.calls
        monthCostMicros = row.totals.cost.micros
        monthCostUSD = row.totals.cost.description
    }

    enum CodingKeys: String, CodingKey {
        case team, user, groups, keys
        case activeKeys = "active_keys"
        case monthCalls = "month_calls"
        case monthCostMicros = "month_cost_micros"
        case monthCostUSD = "month_cost_usd"
    }
}

package struct UserList: AdminList {
    /// The month: `2026-11`.
    package var month: String
    package var users: [UserDescription]
    package var nextCursor: String?

    package var items: [UserDescription] {
        get { users }
        set { users = newValue }
    }

    enum CodingKeys: String, CodingKey {
        case month, users
        case nextCursor = "next_cursor"
    }
}

/// A group, as API keys name it.
package struct GroupDescription: Codable, Sendable, Equatable {
    package var team: String
    package var group: String
    package var users: Int
    package var keys: Int
    package var activeKeys: Int

    init(_ row: GroupRow) {
        team = row.team
        group = row.group
        users = row.users
        keys = row.keys
        activeKeys = row.activeKeys
    }

    enum CodingKeys: String, CodingKey {
        case team, group, users, keys
        case activeKeys = "active_keys"
    }
}

package struct GroupList: AdminList {
    package var groups: [GroupDescription]
    package var nextCursor: String?

    package var items: [GroupDescription] {
        get { groups }
        set { groups = newValue }
    }

    enum CodingKeys: String, CodingKey {
        case groups
        case nextCursor = "next_cursor"
    }
}
