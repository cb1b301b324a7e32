import WeirLedger
import WeirProviders

/// Alerts, newest first.
package struct AlertList: AdminList {
    package var alerts: [AlertLine]
    package var nextCursor: String?

    package var items: [AlertLine] {
        get { alerts }
        set { alerts = newValue }
    }

    enum CodingKeys: String, CodingKey {
        case alerts
        case nextCursor = "next_cursor"
    }
}

package struct AlertLine: Codable, Sendable, Equatable {
    package var id: Int
    package var kind: String
    package var severity: String
    package var subject: String
    /// While it is not raised again.
    package var period: String
    package var text: String
    package var details: [String: String]
    package var at: String
    package var atMs: Int
    /// `recorded` (there was no webhook), `pending`, `sent`, `dead`.
    package var state: String
    package var attempts: Int
    package var nextAtMs: Int?
    package var error: String?

    init(_ record: AlertRecord) {
        id = record.id
        kind = record.alert.kind.rawValue
        severity = record.alert.severity.rawValue
        subject = record.alert.subject
        period = record.alert.period
        text = record.alert.text
        details = record.alert.details
        at = rfc3339(ms: record.alert.atMs)
        atMs = record.alert.atMs
        state = record.state.rawValue
        attempts = record.attempts
        nextAtMs = record.state == .pending ? record.nextAtMs : nil
        error = record.error
    }

    enum CodingKeys: String, CodingKey {
        case id, at, kind, severity, subject, period, text, details, state, attempts, error
        case atMs = "at_ms"
        case nextAtMs = "next_at_ms"
    }
}
