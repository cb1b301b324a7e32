import WeirLedger

/// Who did what, newest first.
package struct AuditList: Codable, Sendable {
    package var audit: [AuditLine]
}

package struct AuditLine: Codable, Sendable, Equatable {
    /// Milliseconds since 1970.
    package var atMs: Int
    package var actor: String
    /// The id of the admin token that proved it; nil: the environment's token, or none was asked for.
    package var token: String?
    package var from: String
    package var action: String
    package var subject: String
    package var before: String?
    package var after: String?
    package var reason: String?

    init(_ entry: AuditEntry) {
        atMs = entry.atMs
        actor = entry.actor
        token = entry.token
        from = entry.from
        action = entry.action
        subject = entry.subject
        before = entry.before
        after = entry.after
        reason = entry.reason
    }

    enum CodingKeys: String, CodingKey {
        case actor, token, from, action, subject, before, after, reason
        case atMs = "at_ms"
    }
}
