import Foundation
import WeirAdmin
import WeirCore

/// What `weir top` shows: today's sums, and what happened between two samples. Its JSON is what `--json` prints.
struct TopView: Sendable, Codable, Equatable {
    /// RFC 3339, UTC.
    var at: String
    /// Of the UTC day.
    var spendTodayMicros: Int
    var spendTodayUSD: String
    var callsToday: Int
    var denialsToday: Int
    /// Since the sample before; nil where a new day has begun between the two.
    var rates: Rates?
    /// Those that spent most since the sample before, then those that spent most today.
    var teams: [Team]
    var limited: [LimitedTeam]
    /// Scopes that are thrown now.
    var killSwitch: [String]
    var ingest: IngestStatus
    var leader: String?
    var shards: ShardsStatus

    struct Rates: Sendable, Codable, Equatable {
        var seconds: Double
        /// Calls that ended, which the ledger has.
        var admitsPerSecond: Double
        var denialsPerSecond: Double
        /// Rounded down.
        var spendMicrosPerMinute: Int

        enum CodingKeys: String, CodingKey {
            case seconds
            case admitsPerSecond = "admits_per_second"
            case denialsPerSecond = "denials_per_second"
            case spendMicrosPerMinute = "spend_micros_per_minute"
        }
    }

    struct Team: Sendable, Codable, Equatable {
        var team: String
        var callsToday: Int
        var spendTodayMicros: Int
        var spendTodayUSD: String
        /// Since the sample before.
        var calls: Int
        var spendMicros: Int
        var spendUSD: String
        var isLimited: Bool

        enum CodingKeys: String, CodingKey {
            case team, calls
            case callsToday = "calls_today"
            case spendTodayMicros = "spend_today_micros"
            case spendTodayUSD = "spend_today_usd"
            case spendMicros = "spend_micros"
            case spendUSD = "spend_usd"
            case isLimited = "is_limited"
        }
    }

    enum CodingKeys: String, CodingKey {
        case at, rates, teams, limited, ingest, leader, shards
        case spendTodayMicros = "spend_today_micros"
        case spendTodayUSD = "spend_today_usd"
        case callsToday = "calls_today"
        case denialsToday = "denials_today"
        case killSwitch = "kill_switch"
    }

    /// - Parameter mostTeams: so many teams, and as many entries of the limited set.
    init(_ sample: TopSample, since before: TopSample?, mostTeams: Int) {
        at = timeText(ms: sample.atMs).replacing(" ", with: "T")
        spendTodayMicros = sample.usage.total.costMicros
        spendTodayUSD = sample.usage.total.costUSD
        callsToday = sample.usage.total.calls
        denialsToday = sample.denials.total
        // Another day's sums are no beginning of this day's.
        let same = before.flatMap { $0.usage.from == sample.usage.from ? $0 : nil }
        rates = same.map { Rates(from: $0, to: sample) }
        limited = Array(sample.limited.limited.prefix(mostTeams))
        killSwitch = sample.killSwitch.killSwitch.filter(\.thrown).map(\.scope)
        ingest = sample.status.ingest
        leader = sample.status.leader?.name
        shards = sample.status.shards

        let known = Dictionary((same?.usage.rows ?? []).map { ($0.name, $0) }) { first, _ in first }
        let limitedTeams = Set(sample.limited.limited.map(\.team))
        let all = sample.usage.rows.map { line in
            let old = known[line.name]
            // A team that was not there has spent all of it since, if there was a sample to miss it in.
            let isNew = same != nil
            let spent = isNew ? line.costMicros.less(old?.costMicros ?? 0) : 0
            return Team(
                team: line.name, callsToday: line.calls, spendTodayMicros: line.costMicros, spendTodayUSD: line.costUSD,
                calls: isNew ? max(0, line.calls.less(old?.calls ?? 0)) : 0, spendMicros: spent,
                spendUSD: MicroUSD(micros: spent).description, isLimited: limitedTeams.contains(line.name))
        }
        teams = Array(
            all.sorted {
                ($1.spendMicros, $1.spendTodayMicros, $0.team) < ($0.spendMicros, $0.spendTodayMicros, $1.team)
            }.prefix(mostTeams))
    }

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

extension TopView.Rates {
    init(from before: TopSample, to sample: TopSample) {
        let span = before.taken.duration(to: sample.taken)
        // No shorter than a clock can tell apart.
        let millis = max(1, Int(span / .milliseconds(1)))
        func perSecond(_ count: Int) -> Double { (Double(max(0, count)) * 10_000 / Double(millis)).rounded() / 10 }
        seconds = (Double(millis) / 100).rounded() / 10
        admitsPerSecond = perSecond(sample.usage.total.calls.less(before.usage.total.calls))
        denialsPerSecond = perSecond(sample.denials.total.less(before.denials.total))
        let spent = max(0, sample.usage.total.costMicros.less(before.usage.total.costMicros))
        spendMicrosPerMinute = spent.multipliedSaturated(by: 60_000) / millis
    }
}

extension Int {
    /// The difference, or the nearest representable number.
    fileprivate func less(_ other: Int) -> Int { addingSaturated(other.multipliedSaturated(by: -1)) }
}
