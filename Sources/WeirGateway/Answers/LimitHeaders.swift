import WeirCore
import WeirProviders

/// What an answer tells its caller of the caller's own limits: `RateLimit` and `RateLimit-Policy`
/// (draft-ietf-httpapi-ratelimit-headers-10) for the one of which the smallest share is left, and by the names that the
/// API's own SDKs know, the tightest of unit `requests` and of unit `tokens`.
enum LimitHeaders {
    /// Of a call that was admitted without Redis nobody knows what its limits have left; it is told that instead.
    static func add(for reservation: Reservation, dialect: Dialect, to headers: inout Fields) {
        if reservation.blind != nil { return headers.add(name: "weir-degraded", value: "blind") }
        var tightest: Reservation.Hold?
        var requests: Reservation.Hold?
        var tokens: Reservation.Hold?
        for hold in reservation.allHolds where hold.amount > 0 && hold.isTold {
            Self.keepTighter(&tightest, hold)
            switch hold.unit {
            case .requests: Self.keepTighter(&requests, hold)
            case .tokens: Self.keepTighter(&tokens, hold)
            case .usd, .concurrency: break
            }
        }
        guard let tightest else { return }
        LimitState(tightest, reservation).addStandard(to: &headers)
        if let requests { LimitState(requests, reservation).add(as: .requests, dialect, to: &headers) }
        if let tokens { LimitState(tokens, reservation).add(as: .tokens, dialect, to: &headers) }
    }

    /// The limit that denied.
    static func add(for denial: Denial, dialect: Dialect, to headers: inout Fields) {
        guard let state = LimitState(denial) else { return }
        state.addStandard(to: &headers)
        switch denial.unit {
        case .requests: state.add(as: .requests, dialect, to: &headers)
        case .tokens: state.add(as: .tokens, dialect, to: &headers)
        case .usd, .concurrency, nil: break
        }
    }

    private static func keepTighter(_ tightest: inout Reservation.Hold?, _ hold: Reservation.Hold) {
        guard let least = tightest else {
            tightest = hold
            return
        }
        // hold.remaining / hold.amount < least.remaining / least.amount, in whole numbers of any size.
        let left = max(hold.remaining, 0).magnitude.multipliedFullWidth(by: least.amount.magnitude)
        let right = max(least.remaining, 0).magnitude.multipliedFullWidth(by: hold.amount.magnitude)
        if (left.high, left.low) < (right.high, right.low) { tightest = hold }
    }
}

/// One limit as headers tell it.
private struct LimitState {
    let limit: String
    let amount: Int
    let remaining: Int
    /// Seconds until the limit is whole again; nil: not known.
    let resetsIn: Int?
    /// The same as a time, milliseconds since 1970.
    let resetsAtMs: Int?

    /// What the SDKs' own names count.
    enum Unit { case requests, tokens }

    init(_ hold: Reservation.Hold, _ reservation: Reservation) {
        (limit, amount, remaining) = (hold.limit, hold.amount, max(hold.remaining, 0))
        let inMs = max(hold.resetsInMs, 0)
        resetsIn = inMs / 1000
        resetsAtMs = reservation.admittedAtMs.addingSaturated(inMs)
    }

    /// Nil for a denial by something else than a limit with an amount.
    init?(_ denial: Denial) {
        guard let limit = denial.limit, let amount = denial.amount, amount > 0 else { return nil }
        (self.limit, self.amount) = (limit, amount)
        let used = (denial.used ?? 0).addingSaturated(denial.reserved ?? 0)
        remaining = max(amount.addingSaturated(-max(used, 0)), 0)
        (resetsIn, resetsAtMs) = (denial.retryAfter, denial.resetsAtMs)
    }

    func addStandard(to headers: inout Fields) {
        let bytes = limit.utf8.count + 64
        let policy = String(bytes: bytes) { text in
            text.put(quoted: limit)
            text.put(";q=" as StaticString)
            text.put(decimal: amount)
        }
        let state = String(bytes: bytes) { text in
            text.put(quoted: limit)
            text.put(";r=" as StaticString)
            text.put(decimal: remaining)
            guard let resetsIn else { return }
            text.put(";t=" as StaticString)
            text.put(decimal: resetsIn)
        }
        headers.add(name: "ratelimit-policy", value: policy)
        headers.add(name: "ratelimit", value: state)
    }

    /// - Anthropic: the reset as RFC 3339. Source: https://docs.claude.com/en/api/rate-limits#response-headers
    /// - OpenAI: the reset as a span, `6m0s`. Source: https://platform.openai.com/docs/guides/rate-limits
    /// - Gemini has no names of its own.
    func add(as unit: Unit, _ dialect: Dialect, to headers: inout Fields) {
        switch (dialect, unit) {
        case (.anthropic, .requests):
            headers.add(name: "anthropic-ratelimit-requests-limit", value: String(amount))
            headers.add(name: "anthropic-ratelimit-requests-remaining", value: String(remaining))
            if let ms = resetsAtMs { headers.add(name: "anthropic-ratelimit-requests-reset", value: rfc3339(ms: ms)) }
        case (.anthropic, .tokens):
            headers.add(name: "anthropic-ratelimit-tokens-limit", value: String(amount))
            headers.add(name: "anthropic-ratelimit-tokens-remaining", value: String(remaining))
            if let ms = resetsAtMs { headers.add(name: "anthropic-ratelimit-tokens-reset", value: rfc3339(ms: ms)) }
        case (.openAI, .requests):
            headers.add(name: "x-ratelimit-limit-requests", value: String(amount))
            headers.add(name: "x-ratelimit-remaining-requests", value: String(remaining))
            if let reset = resetsIn { headers.add(name: "x-ratelimit-reset-requests", value: Self.span(reset)) }
        case (.openAI, .tokens):
            headers.add(name: "x-ratelimit-limit-tokens", value: String(amount))
            headers.add(name: "x-ratelimit-remaining-tokens", value: String(remaining))
            if let reset = resetsIn { headers.add(name: "x-ratelimit-reset-tokens", value: Self.span(reset)) }
        case (.gemini, _): break
        }
    }

    /// `6s`, `1m0s`, `2h0m5s`.
    private static func span(_ seconds: Int) -> String {
        let (minutes, hours) = (seconds / 60, seconds / 3600)
        if hours > 0 { return "\(hours)h\(minutes % 60)m\(seconds % 60)s" }
        return minutes > 0 ? "\(minutes)m\(seconds % 60)s" : "\(seconds)s"
    }
}

extension ByteCursor {
    fileprivate mutating func put(quoted text: String) {
        put(UInt8(ascii: "\""))
        put(text)
        put(UInt8(ascii: "\""))
    }
}
