import WeirLedger

/// Alerts, newest first.
package struct AlertList: Codable, Sendable {
    package var alerts: [AlertLine]
    /// Whether there are older ones: ask again with `before` the last id.
    package var truncated: Bool
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
    /// Milliseconds since 1970.
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
        atMs = record.alert.atMs
        state = record.state.rawValue
        attempts = record.attempts
        nextAtMs = record.state == .pending ? record.nextAtMs : nil
        error = record.error
    }

    enum CodingKeys: String, CodingKey {
        case id, kind, severity, subject, period, text, details, state, attempts, error
        case atMs = "at_ms"
        case nextAtMs = "next_at_ms"
    }
}
