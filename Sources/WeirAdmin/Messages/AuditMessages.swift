import WeirLedger
import WeirProviders

/// Who did what, newest first.
package struct AuditList: AdminList {
    package var audit: [AuditLine]
    package var nextCursor: String?

    package var items: [AuditLine] {
        get { audit }
        set { audit = newValue }
    }

    enum CodingKeys: String, CodingKey {
        case audit
        case nextCursor = "next_cursor"
    }
}

package struct AuditLine: Codable, Sendable, Equatable {
    /// Grows from line to line.
    package var number: Int
    package var at: String
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

    init(_ row: AuditRow) {
        let entry = row.entry
        number = row.number
        at = rfc3339(ms: entry.atMs)
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
        case number, at, actor, token, from, action, subject, before, after, reason
        case atMs = "at_ms"
    }
}
