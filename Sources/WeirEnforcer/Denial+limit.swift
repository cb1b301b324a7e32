import WeirCore
import WeirRedis

extension Denial {
    /// The denial of a call by one limit, as the script found it.
    init(step: LimitPlan.Step, used: Int, reserved: Int, retryAfterMs: Int?, nowMs: Int) {
        let limit = step.limit
        let what = limit.unit.text(step.amount)
        let reason: Reason
        let span: String
        var resetsAtMs = retryAfterMs.map { nowMs + $0 }
        switch limit.span {
        case .window(let ms): (reason, span) = (.rateLimited, " in \(Self.spanText(ms: ms))")
        case .period(let period):
            (reason, span) = (.budgetExhausted, " a \(period.rawValue)")
            resetsAtMs = step.counter.span
        case .inFlight: (reason, span) = (.concurrencyExhausted, "")
        }
        var wait: String
        if case .period = limit.span {
            wait = "\(limit.unit.text(used)) used, \(limit.unit.text(reserved)) reserved. "
            wait += "It resets on \(UTCDay(number: step.counter.span / UTCDay.lengthMs).id) at 00:00 UTC."
            if retryAfterMs == nil { wait += " This call alone may cost more than the whole limit." }
        } else if retryAfterMs == nil {
            wait = "This call alone may cost more than the whole limit."
        } else if case .inFlight = limit.span {
            wait = "Try again when one of the calls has ended."
        } else {
            wait = "Try again in \(Self.seconds(retryAfterMs ?? 0)) s."
        }
        let separator = reason == .budgetExhausted ? ":" : "."
        self.init(
            reason,
            "Limit \(limit.id) of \(what)\(span) for \(step.subject.text) does not admit this call\(separator) \(wait)",
            limit: limit.id, subject: step.subject.text, unit: limit.unit, used: used, reserved: reserved,
            amount: step.amount, amountSource: step.source, resetsAtMs: resetsAtMs,
            retryAfter: retryAfterMs.map(Self.seconds))
    }

    /// Whole seconds, rounded up, at least 1: a client that waits so long is not early.
    static func seconds(_ ms: Int) -> Int { max(1, ms / 1000 + (ms % 1000 > 0 ? 1 : 0)) }

    private static func spanText(ms: Int) -> String { ms % 1000 == 0 ? "\(ms / 1000) s" : "\(ms) ms" }
}

extension Limit.Unit {
    /// So many of it, for a person.
    fileprivate func text(_ units: Int) -> String {
        switch self {
        case .requests: "\(units) requests"
        case .tokens: "\(units) tokens"
        case .usd: "\(MicroUSD(micros: units)) USD"
        case .concurrency: "\(units) calls at once"
        }
    }
}
