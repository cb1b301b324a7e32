import WeirCore
import WeirLedger
import WeirRedis

/// The parts of the overview that update by themselves, each under the id of its place.
struct OverviewParts: Sendable {
    let facts: LiveFacts

    struct Part: Sendable {
        let id: String
        let html: HTML
    }

    var all: [Part] {
        [
            Part(id: "live-spend", html: spend), Part(id: "live-calls", html: calls),
            Part(id: "live-limited", html: limited), Part(id: "live-switch", html: killSwitch),
            Part(id: "live-health", html: health), Part(id: "live-rates", html: rates),
        ]
    }

    // MARK: Tiles

    var spend: HTML {
        guard let ledger = facts.ledger else { return unknown("The ledger gave no answer.") }
        let today = ledger.today
        return el("p", .css("big"), .at(.title, Format.exactMoney(today.cost.micros))) {
            Format.money(today.cost.micros)
        } + el("p", text: "\(Format.count(today.calls)) calls, \(Format.count(today.errors)) failed")
            + thresholds(ledger)
    }

    private func thresholds(_ ledger: LiveFacts.LedgerFacts) -> HTML {
        guard let guarded = ledger.guarded?.guarded, let spent = ledger.guarded?.spent.micros,
            guarded.warn != nil || guarded.kill != nil
        else {
            return el("p", text: "No thresholds: the policy has no cost_guard.")
        }
        var words: [String] = []
        if let warn = guarded.warn { words.append("warns at \(Format.money(warn.micros))") }
        if let kill = guarded.kill { words.append("stops at \(Format.money(kill.micros))") }
        let limit = guarded.kill?.micros ?? guarded.warn?.micros ?? 0
        let isWarned = guarded.warn.map { spent >= $0.micros } ?? false
        let isOver = guarded.kill.map { spent >= $0.micros } ?? false
        return LimitBar(used: spent, reserved: 0, amount: limit).html
            + el("p") {
                if guarded.period != .day { "\(Format.money(spent)) this \(guarded.period.rawValue); " }
                words.joined(separator: ", ") + " a \(guarded.period.rawValue)"
            }
            + (isOver
                ? state("bad", "over the threshold that stops")
                : isWarned ? state("warn", "over the threshold that warns") : state("ok", "below the thresholds"))
    }

    var calls: HTML {
        guard let last = facts.minutes.last else { return unknown("Nothing was counted yet.") }
        // The newest minute has only begun.
        let minute = facts.minutes.dropLast().last ?? last
        return el("p", .css("big")) { Format.count(minute.admitted) }
            + el("p") {
                "admitted, "
                el("strong", text: Format.count(minute.denied))
                " denied in the minute from \(Format.minute(minute.startMs))"
            } + el("p", text: "so far in this minute: \(Format.count(last.admitted)) and \(Format.count(last.denied))")
    }

    var limited: HTML {
        guard let redis = facts.redis else { return unknown("Redis gave no answer.") }
        return el("p", .css("big")) {
            el("a", .href(PageAddress(.limited)), text: Format.count(redis.limited))
        }
            + (redis.limited == 0
                ? state("ok", "no team is limited") : state("warn", "may not spend their resource now"))
    }

    var killSwitch: HTML {
        guard let redis = facts.redis else { return unknown("Redis gave no answer.") }
        guard let first = redis.killSwitch.first(where: { $0.scope == "global" }) ?? redis.killSwitch.first else {
            return el("p", .css("big"), text: "Off") + state("ok", "calls pass")
        }
        return el("p", .css("big"), text: "Thrown")
            + state("bad", redis.killSwitch.map(\.scope).joined(separator: ", "))
            + el("p", text: first.reason.isEmpty ? "No reason was given." : first.reason)
            + el("p") {
                "by \(first.actor.isEmpty ? "hand in Redis" : first.actor)"
                if first.since > 0 { " since \(Format.time(first.since.multipliedSaturated(by: 1000)))" }
                if let until = first.until { ", until \(Format.time(until.multipliedSaturated(by: 1000)))" }
            }
    }

    private func state(_ level: String, _ text: String) -> HTML {
        el("p") { el("span", .css("state \(level)"), text: text) }
    }

    private func unknown(_ text: String) -> HTML {
        el("p", .css("big"), text: "?") + el("p") { el("span", .css("state bad"), text: text) }
    }

    // MARK: Calls per minute

    var rates: HTML {
        el("ul", .css("legend")) {
            el("li") {
                el("span", .css("swatch line admitted"), .at(.ariaHidden, "true")) { .empty }
                "admitted"
            }
            el("li") {
                el("span", .css("swatch line denied"), .at(.ariaHidden, "true")) { .empty }
                "denied"
            }
        } + el("div", .css("picture rates")) { RateLines(minutes: facts.minutes).html }
    }

    // MARK: Health

    var health: HTML {
        el("dl", .css("health")) {
            item("Redis", redisHealth)
            item("Ingest", ingestHealth)
            item("Gateways", gatewayHealth)
            item("Ledger", ledgerHealth)
            item("Aggregator", aggregatorHealth)
        }
    }

    private struct Finding {
        var level: String
        var word: String
        var detail: String
        /// How much of it is done, while it is being mended.
        var share: (done: Int, total: Int)?
    }

    private func item(_ name: String, _ finding: Finding) -> HTML {
        el("div") {
            el("dt", text: name)
            el("dd") {
                el("span", .css("state \(finding.level)"), text: finding.word)
                if let share = finding.share {
                    el(
                        "progress", .at(.max, share.total), .at(.value, share.done), .at(.ariaLabel, "Shards ready"),
                        text: finding.word)
                }
                el("p", text: finding.detail)
            }
        }
    }

    private var redisHealth: Finding {
        guard let status = facts.redis?.status else {
            return Finding(level: "bad", word: "no answer", detail: "Nodes decide by their outage policy.")
        }
        let shards = status.shards
        if shards.ready < shards.count || shards.count == 0 {
            return Finding(
                level: "bad", word: "being rebuilt: \(shards.ready) of \(shards.count) shards",
                detail: "The leader puts back what Redis has lost; calls of the rest are not admitted.",
                share: shards.count == 0 ? nil : (shards.ready, shards.count))
        }
        if status.redis.maxmemoryPolicy != "noeviction" {
            return Finding(
                level: "warn", word: "may forget keys",
                detail: "Set maxmemory-policy noeviction; it is \(status.redis.maxmemoryPolicy).")
        }
        return Finding(
            level: "ok", word: "ready", detail: "\(status.redis.version), all \(shards.count) shards ready")
    }

    private var ingestHealth: Finding {
        guard let ingest = facts.redis?.status.ingest else {
            return Finding(level: "bad", word: "unknown", detail: "Redis gave no answer.")
        }
        let seconds = max(0, ingest.oldestMs) / 1000
        let level = seconds >= 60 ? "bad" : seconds >= 10 ? "warn" : "ok"
        return Finding(
            level: level, word: ingest.waiting == 0 ? "up to date" : "\(Format.span(seconds: seconds)) behind",
            detail: "\(Format.count(ingest.waiting)) events on their way to the ledger")
    }

    private var gatewayHealth: Finding {
        guard let gateways = facts.redis?.gateways else {
            return Finding(level: "bad", word: "unknown", detail: "Redis gave no answer.")
        }
        guard !gateways.isEmpty else {
            return Finding(
                level: "warn", word: "none seen", detail: "No gateway has reported within 15 s: weir gateway --help.")
        }
        let troubled = gateways.filter { $0.report.problem != nil }
        let names = gateways.map(\.report.address).sorted()
        guard let first = troubled.first else {
            return Finding(
                level: "ok", word: "\(gateways.count) ready",
                detail: names.prefix(6).joined(separator: ", ") + (names.count > 6 ? ", …" : ""))
        }
        return Finding(
            level: troubled.count == gateways.count ? "bad" : "warn",
            word: "\(troubled.count) of \(gateways.count) not ready",
            detail: "\(first.report.address): \(first.report.problem ?? "")")
    }

    private var ledgerHealth: Finding {
        guard facts.ledger != nil else {
            return Finding(level: "bad", word: "no answer", detail: facts.problems.first ?? "")
        }
        guard let status = facts.redis?.status.ledger else {
            return Finding(level: "warn", word: "answers", detail: "Redis gave no answer, so nothing is published.")
        }
        guard status.publishedRevision == status.revision else {
            return Finding(
                level: "warn", word: "not all is published",
                detail:
                    "Revision \(status.revision); nodes have \(status.publishedRevision.map(String.init) ?? "none").")
        }
        return Finding(level: "ok", word: "answers", detail: "revision \(status.revision), published")
    }

    private var aggregatorHealth: Finding {
        if let reason = facts.unreadyReason { return Finding(level: "bad", word: "not at work", detail: reason) }
        guard let status = facts.redis?.status else {
            return Finding(level: "warn", word: "waits", detail: "Redis gave no answer.")
        }
        guard let leader = status.leader else {
            return Finding(level: "warn", word: "nobody leads", detail: "Another takes over within seconds.")
        }
        return Finding(
            level: "ok", word: "at work",
            detail: "\(leader.name) leads since \(Format.time(leader.since.multipliedSaturated(by: 1000)))")
    }
}
