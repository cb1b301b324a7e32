/// Why a call was denied, and when it may come again. The `weir` object of every denial, in whatever dialect.
public struct Denial: Sendable, Hashable {
    public var reason: Reason
    /// The limit that denied, its subject's text (`user:acme/alice`) and unit.
    public var limit: String?
    public var subject: String?
    public var unit: Limit.Unit?
    /// In the unit's integers.
    public var used: Int?
    public var reserved: Int?
    public var amount: Int?
    /// Where the amount comes from.
    public var amountSource: Limit.AmountSource?
    /// Milliseconds since 1970 when the limit is whole again (a period's end, a limited set's score).
    public var resetsAtMs: Int?
    /// Seconds, at least 1; nil: waiting will not help.
    public var retryAfter: Int?
    /// One sentence for a person.
    public var message: String

    public enum Reason: String, Sendable, Hashable, CaseIterable {
        case unauthorized
        case forbidden
        case killSwitch = "kill_switch"
        case teamLimited = "team_limited"
        case modelNotAllowed = "model_not_allowed"
        case modelUnpriced = "model_unpriced"
        case rateLimited = "rate_limited"
        case budgetExhausted = "budget_exhausted"
        case concurrencyExhausted = "concurrency_exhausted"
        case invalidRequest = "invalid_request"
        case unknownRoute = "unknown_route"
        case requestTooLarge = "request_too_large"
        case unknownReservation = "unknown_reservation"
        case reservationEnded = "reservation_ended"
        case degraded
        case providerUnavailable = "provider_unavailable"
        case providerTimeout = "provider_timeout"

        /// The HTTP status of an answer with this reason.
        public var status: Int {
            switch self {
            case .unauthorized: 401
            case .forbidden, .modelNotAllowed, .modelUnpriced: 403
            case .teamLimited, .rateLimited, .budgetExhausted, .concurrencyExhausted: 429
            case .killSwitch, .degraded: 503
            case .invalidRequest: 400
            case .unknownRoute, .unknownReservation: 404
            case .reservationEnded: 409
            case .requestTooLarge: 413
            case .providerUnavailable: 502
            case .providerTimeout: 504
            }
        }
    }

    public init(
        _ reason: Reason, _ message: String, limit: String? = nil, subject: String? = nil, unit: Limit.Unit? = nil,
        used: Int? = nil, reserved: Int? = nil, amount: Int? = nil, amountSource: Limit.AmountSource? = nil,
        resetsAtMs: Int? = nil, retryAfter: Int? = nil
    ) {
        self.reason = reason
        self.message = message
        self.limit = limit
        self.subject = subject
        self.unit = unit
        self.used = used
        self.reserved = reserved
        self.amount = amount
        self.amountSource = amountSource
        self.resetsAtMs = resetsAtMs
        self.retryAfter = retryAfter
    }
}
