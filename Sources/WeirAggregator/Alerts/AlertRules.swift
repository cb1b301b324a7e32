import WeirCore
import WeirLedger

/// What is worth an alert. Pure: the same survey raises the same alerts, and the ledger keeps each once.
package struct AlertRules: Sendable {
    /// Usage that waits longer for the ledger, or more of it.
    var lagMs = 60_000
    var lagEvents = 50_000
    /// Orphans in ten minutes: at least so many, and at least so many of a thousand calls.
    var orphans = 10
    var orphansPerMille = 10
    /// Stands for the unpriced models beyond those that are told by name.
    static let otherModels = "(others)"

    package init() {}

    func due(_ survey: Survey) -> [Alert] {
        var alerts: [Alert] = []
        guard let policy = survey.policy else { return alerts }
        for use in survey.uses ?? [] {
            // The highest share alone: who comes to 100 % at once need not hear of 50 % and 80 %.
            if let share = policy.alerts.at.last(where: { $0 > 0 && use.hasReached($0) }) {
                alerts.append(limitShare(use, share, survey.nowMs))
            }
        }
        if let costGuard = policy.costGuard, let spent = survey.guarded {
            let period = costGuard.period.containing(ms: survey.nowMs).id
            if let kill = costGuard.kill, spent >= kill {
                alerts.append(
                    cost(.costKill, .critical, "the kill switch is thrown", spent, kill, period, survey.nowMs))
            } else if let warn = costGuard.warn, spent >= warn {
                alerts.append(
                    cost(.costWarn, .warning, "the warning threshold is passed", spent, warn, period, survey.nowMs))
            }
        }
        alerts += operational(survey)
        return alerts
    }

    private func operational(_ survey: Survey) -> [Alert] {
        var alerts: [Alert] = []
        let (day, hour) = (UTCDay(containingMs: survey.nowMs).id, Self.hour(survey.nowMs))
        if survey.oldestMs > lagMs || survey.waiting > lagEvents {
            alerts.append(
                Alert(
                    .ingestLag, subject: "ledger", period: hour, severity: .critical,
                    text:
                        "\(survey.waiting) usage events wait for the ledger, the oldest for \(survey.oldestMs / 1000) s.",
                    details: ["events": "\(survey.waiting)", "seconds": "\(survey.oldestMs / 1000)"],
                    atMs: survey.nowMs))
        }
        for model in Set(survey.unpricedModels).union(survey.calledUnpriced).sorted() {
            let isCalled = survey.calledUnpriced.contains(model)
            alerts.append(
                Alert(
                    .unpricedModel, subject: model, period: day, severity: isCalled ? .critical : .warning,
                    text: "The model \(model) \(isCalled ? "was called" : "is named by the policy") and has no price; "
                        + "weir prices add gives it one.", details: ["model": model], atMs: survey.nowMs))
        }
        let calls = max(survey.events, survey.orphans)
        if survey.orphans >= orphans, survey.orphans * 1000 >= calls * orphansPerMille {
            alerts.append(
                Alert(
                    .orphanRate, subject: "nodes", period: hour, severity: .critical,
                    text: "\(survey.orphans) of \(calls) calls of the last ten minutes were of nodes that are gone.",
                    details: ["orphans": "\(survey.orphans)", "calls": "\(calls)"], atMs: survey.nowMs))
        }
        return alerts
    }

    /// - Parameter seconds: for how long it has not answered.
    static func redisLost(forSeconds seconds: Int, why: String, nowMs: Int) -> Alert {
        Alert(
            .redisLost, subject: "redis", period: hour(nowMs), severity: .critical,
            text: "Redis has not answered the aggregator for \(seconds) s: \(why)", details: ["why": why], atMs: nowMs)
    }

    private func limitShare(_ use: LimitUse, _ share: Int, _ nowMs: Int) -> Alert {
        let percent = share % 100 == 0 ? "\(share / 100) %" : "\(share / 100).\(share % 100 / 10)\(share % 10) %"
        func said(_ amount: Int) -> String {
            use.unit == .usd ? "\(MicroUSD(micros: amount)) usd" : "\(amount) \(use.unit.rawValue)"
        }
        return Alert(
            .limitShare, subject: "\(use.limit) \(use.subject.text) \(percent)", period: use.period.id,
            severity: share >= 10_000 ? .critical : .warning,
            text: "\(use.subject.text) has used \(percent) of limit \(use.limit) in \(use.period.id): "
                + "\(said(use.used)) of \(said(use.amount)).",
            details: [
                "limit": use.limit, "subject": use.subject.text, "unit": use.unit.rawValue, "used": "\(use.used)",
                "amount": "\(use.amount)", "share": percent,
            ], atMs: nowMs)
    }

    private func cost(
        _ kind: Alert.Kind, _ severity: Alert.Severity, _ what: String, _ spent: MicroUSD, _ threshold: MicroUSD,
        _ period: String, _ nowMs: Int
    ) -> Alert {
        Alert(
            kind, subject: "cost_guard", period: period, severity: severity,
            text: "\(spent) usd were spent in \(period), \(what) (\(threshold) usd).",
            details: ["spent_micros": "\(spent.micros)", "threshold_micros": "\(threshold.micros)"], atMs: nowMs)
    }

    /// `2026-11-21T10`.
    static func hour(_ ms: Int) -> String {
        let day = UTCDay(containingMs: ms)
        let hour = (ms - day.startMs) / 3_600_000
        return "\(day.id)T\(hour < 10 ? "0" : "")\(hour)"
    }
}
