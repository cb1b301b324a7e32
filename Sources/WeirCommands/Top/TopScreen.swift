import WeirAdmin
import WeirCore

/// ``TopView`` as lines for people.
enum TopScreen {
    static func lines(_ view: TopView, palette: Palette) -> [String] {
        var lines = [palette.title("weir  \(view.at)")]
        var spend = "\(view.spendTodayUSD) USD today"
        var admits = "\(view.callsToday.grouped) calls today"
        var denials = "\(view.denialsToday.grouped) denials today"
        if let rates = view.rates {
            spend += ", \(MicroUSD(micros: rates.spendMicrosPerMinute)) USD a minute"
            admits += ", \(rates.admitsPerSecond) per second"
            denials += ", \(rates.denialsPerSecond) per second"
        }
        lines += ["spend        " + spend, "admits       " + admits, "denials      " + denials]
        var lag = "\(view.ingest.waiting.grouped) events wait"
        if view.ingest.waiting > 0 { lag += ", the oldest for \(view.ingest.oldestMs.grouped) ms" }
        lines.append("lag          " + palette.text(lag, view.ingest.oldestMs > 10_000 ? .warning : nil))
        let thrown = view.killSwitch.joined(separator: " ")
        lines.append("kill switch  " + (thrown.isEmpty ? "off" : palette.text("thrown: \(thrown)", .bad)))
        if view.shards.ready < view.shards.count || view.leader == nil {
            let ready = "\(view.shards.ready) of \(view.shards.count) shards ready, \(view.leader ?? "nobody") leads"
            lines.append("state        " + palette.text(ready, .bad))
        }
        lines +=
            [""] + teams(view).text(palette).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if !view.limited.isEmpty {
            lines += [""]
            lines += limited(view).text(palette).split(separator: "\n", omittingEmptySubsequences: false).map(
                String.init)
        }
        return lines
    }

    private static func teams(_ view: TopView) -> TextTable {
        var table = TextTable(
            [.init(title: "TEAM")]
                + ["CALLS", "USD", "CALLS TODAY", "USD TODAY"].map { .init(title: $0, isNumber: true) }
                + [.init(title: "STATE", tones: ["limited": .warning])])
        table.rows = view.teams.map { team in
            [
                team.team, team.calls.grouped, team.spendUSD, team.callsToday.grouped, team.spendTodayUSD,
                team.isLimited ? "limited" : "",
            ]
        }
        return table
    }

    private static func limited(_ view: TopView) -> TextTable {
        var table = TextTable(["LIMITED", "RESOURCE", "UNTIL"].map { .init(title: $0) })
        table.rows = view.limited.map {
            [$0.team, $0.resource, $0.until.map { timeText(unixSeconds: $0) } ?? "without end"]
        }
        return table
    }
}
