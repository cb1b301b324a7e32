import WeirCore

/// How often one node has denied something on one day, so far.
package struct DenialCount: Sendable, Hashable {
    package var key: DenialKey
    package var node: String
    package var count: Int

    package init(key: DenialKey, node: String, count: Int) {
        self.key = key
        self.node = node
        self.count = count
    }
}

/// Denials of some days, of all nodes.
package struct DenialRow: Sendable, Hashable {
    package var team: String
    package var user: String?
    package var limit: String?
    package var reason: String
    package var denials: Int

    package init(team: String, user: String?, limit: String?, reason: String, denials: Int) {
        self.team = team
        self.user = user
        self.limit = limit
        self.reason = reason
        self.denials = denials
    }
}
