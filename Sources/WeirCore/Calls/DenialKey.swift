/// What denials are counted by: they are not recorded one by one.
public struct DenialKey: Sendable, Hashable {
    public var day: UTCDay
    public var team: String
    /// Nil: a key without a user.
    public var user: String?
    /// Nil: no limit denied, but for example the kill switch.
    public var limit: String?
    /// ``Denial/Reason``, as text: a newer node may know more of them.
    public var reason: String

    public init(day: UTCDay, team: String, user: String? = nil, limit: String? = nil, reason: String) {
        self.day = day
        self.team = team
        self.user = user
        self.limit = limit
        self.reason = reason
    }

    /// The field of a day's hash: `<node>|<team>|<user>|<limit>|<reason>`. None of the parts can have a `|` in it.
    public func field(node: String) -> String {
        [node, team, user ?? "", limit ?? "", reason].joined(separator: "|")
    }

    /// Reads what ``field(node:)`` wrote; nil for anything else.
    public static func parse(_ field: String, day: UTCDay) -> (key: DenialKey, node: String)? {
        let parts = field.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 5, [0, 1, 4].allSatisfy({ Subject.isValidID(parts[$0]) }),
            [2, 3].allSatisfy({ parts[$0].isEmpty || Subject.isValidID(parts[$0]) })
        else { return nil }
        let key = DenialKey(
            day: day, team: parts[1], user: parts[2].isEmpty ? nil : parts[2],
            limit: parts[3].isEmpty ? nil : parts[3], reason: parts[4])
        return (key, parts[0])
    }
}
