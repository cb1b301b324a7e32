import Hummingbird
import WeirCore
import WeirLedger

extension Dashboard {
    func overview(_ visit: Visit) async throws -> Page {
        let parts = OverviewParts(facts: await presentFacts())
        var page = Page("Overview", .overview, PageAddress(.overview, ["by": visit.query["by"]]))
        page.addHeading {
            el("p", .css("muted")) {
                "Today is \(visit.today.id), UTC. "
                el("span", .at(.id, "live-state"), text: "as of \(Format.time(visit.nowMs))")
            }
        }
        page.add(tiles(parts, visit))
        page.add(
            el("section", .css("card"), .at(.ariaLabelledBy, "health")) {
                el("h2", .at(.id, "health"), text: "Health")
                live(parts.health, "live-health")
            })
        page.add(try await limitedTable(visit, atMost: 10))
        let picture = try await spendPicture(.init(), visit, &page)
        page.add(
            el("div", .css("pair")) {
                picture
                ratesCard(parts)
            })
        page.add(try await dearestTables(visit, &page))
        return page
    }

    private func live(_ html: HTML, _ id: String) -> HTML {
        el("div", .at(.id, id)) { html }
    }

    private func tiles(_ parts: OverviewParts, _ visit: Visit) -> HTML {
        el("div", .css("tiles"), .at(.dataLive, PageAddress(.live).text)) {
            el("section", .css("tile")) {
                el("h2", text: "Spent today")
                live(parts.spend, "live-spend")
            }
            el("section", .css("tile")) {
                el("h2", text: "Calls per minute")
                live(parts.calls, "live-calls")
            }
            el("section", .css("tile")) {
                el("h2", text: "Limited teams")
                live(parts.limited, "live-limited")
            }
            el("section", .css("tile"), .at(.ariaLabelledBy, "switch")) {
                el("h2", .at(.id, "switch"), text: "Kill switch")
                el("div", .at(.id, "live-switch"), .at(.ariaLive, "polite")) { parts.killSwitch }
                if may(visit, .post, "kill-switch") { switchControl }
            }
        }
    }

    /// The stylesheet shows the one that fits what is live.
    private var switchControl: HTML {
        el("p", .css("act")) {
            el(
                "a", .css("button main when-thrown"), .href(PageAddress(.killSwitch, ["to": "off"])),
                text: "Let calls pass again…")
            el("a", .css("button danger when-off"), .href(PageAddress(.killSwitch)), text: "Stop calls…")
        }
    }

    private func ratesCard(_ parts: OverviewParts) -> HTML {
        el("section", .css("card"), .at(.ariaLabelledBy, "rates")) {
            el("h2", .at(.id, "rates"), text: "Calls per minute, the last hour")
            live(parts.rates, "live-rates")
            el("p", .css("hint")) {
                "Admitted: calls whose usage reached the ledger in that minute, so when they had ended. Denied: what nodes "
                "reported in that minute. Counted since this aggregator started, at most an hour."
            }
            if !parts.facts.minutes.isEmpty {
                el("details") {
                    el("summary", text: "As a table")
                    minuteTable(parts.facts.minutes)
                }
            }
        }
    }

    private func minuteTable(_ minutes: [MinuteCounts.Minute]) -> HTML {
        el("div", .css("scroll"), .at(.tabindex, 0), .at(.role, "region"), .at(.ariaLabel, "Calls per minute")) {
            el("table") {
                el("thead") {
                    el("tr") {
                        el("th", .at(.scope, "col"), text: "Minute (UTC)")
                        el("th", .at(.scope, "col"), .css("n"), text: "Admitted")
                        el("th", .at(.scope, "col"), .css("n"), text: "Denied")
                    }
                }
                el("tbody") {
                    for minute in minutes.reversed() {
                        el("tr") {
                            el("td", text: Format.minute(minute.startMs))
                            el("td", .css("n"), text: Format.count(minute.admitted))
                            el("td", .css("n"), text: Format.count(minute.denied))
                        }
                    }
                }
            }
        }
    }

    // MARK: Who spends

    private static let dearestShown = 10

    private func dearestTables(_ visit: Visit, _ page: inout Page) async throws -> HTML {
        let count = Self.dearestShown
        let costs = try await ledger.costs(in: visit.lastDays(1), top: count)
        let dearest: [(UsageColumn, [UsageRow])] = [
            (.team, costs.teams), (.user, costs.users), (.model, costs.dearest(count, by: \.model)),
            (.product, costs.dearest(count, by: \.product)), (.endpoint, costs.dearest(count, by: \.endpoint)),
        ]
        let tables = dearest.map { column, rows in
            page.show(usageTable("top-\(column.rawValue)s", "Top \(column.rawValue)s today", column, rows))
        }
        return el("div", .css("pair")) { for table in tables { table } }
    }

    /// Usage by one column, dearest first.
    func usageTable(_ id: String, _ caption: String, _ column: UsageColumn, _ rows: [UsageRow]) -> DataTable {
        var table = DataTable(
            id, caption,
            [
                .text(column.rawValue.prefix(1).uppercased() + column.rawValue.dropFirst(), column.rawValue),
                .number("Spent", "cost_usd"),
                .number("Calls", "calls"), .number("Failed", "errors"), .number("Tokens", "tokens"),
            ],
            whenEmpty: HTML("No calls yet. Make one through a gateway, and it is here a few seconds later."))
        table.rows = rows.map { row in
            [
                .text(row.name, link: Self.link(to: row.name, column)), .money(row.totals.cost.micros),
                .count(row.totals.calls), .count(row.totals.errors), .count(row.totals.tokens.total),
            ]
        }
        return table
    }

    /// What a name of a column leads to.
    static func link(to name: String, _ column: UsageColumn) -> PageAddress? {
        switch column {
        case .team: return PageAddress(.team, ["team": name])
        case .user:
            let parts = name.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2 else { return nil }
            return parts[1].isEmpty
                ? PageAddress(.team, ["team": parts[0]]) : PageAddress(.user, ["team": parts[0], "user": parts[1]])
        case .model: return PageAddress(.events, ["model": name])
        case .product: return PageAddress(.events, ["product": name])
        case .endpoint, .day: return nil
        }
    }

    /// Spending of 30 days, stacked by product or model: picture, choice, table.
    func spendPicture(_ filter: UsageFilter, _ visit: Visit, _ page: inout Page) async throws -> HTML {
        let column: UsageColumn = visit.query["by"] == "model" ? .model : .product
        let days = visit.lastDays(30)
        let spent = try await ledger.spendByDay(
            by: column, in: days, where: filter, dearest: StackedBars.mostSeries - 1)
        let chart = StackedBars(spent, in: days)
        let table = page.show(chart.table(column), isCaptionHidden: true)
        return el("section", .css("card"), .at(.ariaLabelledBy, "spend")) {
            el("div", .css("head")) {
                el("h2", .at(.id, "spend"), text: "Spent per day, 30 days, by \(column.rawValue)")
                el("p") {
                    el(
                        "a", .href(page.address.with("by", column == .product ? "model" : "product")),
                        text: "by \(column == .product ? "model" : "product")")
                }
            }
            if chart.isEmpty {
                el("p", .css("muted"), text: "Nothing was spent in these days.")
            } else {
                el("div", .css("picture")) { chart.html }
                el("details") {
                    el("summary", text: "As a table")
                    table
                }
            }
        }
    }
}

extension StackedBars {
    init(_ spent: [NamedSpend], in range: DayRange) {
        var totals: [String: Int] = [:]
        var others = false
        for row in spent {
            if let name = row.name { totals[name, default: 0] += row.cost.micros } else { others = true }
        }
        let names = totals.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
        let place = Dictionary(names.enumerated().map { ($1, $0) }) { first, _ in first }
        var days: [UTCDay: [Int]] = [:]
        let width = names.count + (others ? 1 : 0)
        for row in spent {
            days[row.day, default: Array(repeating: 0, count: width)][row.name.flatMap { place[$0] } ?? names.count] +=
                row.cost.micros
        }
        self.init(
            series: names + (others ? ["all others"] : []),
            days: (range.first.number...range.last.number).map { number in
                let day = UTCDay(number: number)
                return Day(day: day, micros: days[day] ?? Array(repeating: 0, count: width))
            },
            summary: Self.summary(names, days))
    }

    private static func summary(_ names: [String], _ days: [UTCDay: [Int]]) -> String {
        let total = days.values.joined().reduce(0) { $0.addingSaturated($1) }
        guard let dearest = names.first else { return "Nothing was spent in these days." }
        return "Money per day as stacked bars: \(Format.money(total)) in all, most of it for \(dearest)."
    }

    /// The same numbers.
    func table(_ column: UsageColumn) -> DataTable {
        var table = DataTable(
            "spend-by-day", "Spent per day by \(column.rawValue)",
            [.text("Day", "day")] + series.map { .number($0, $0) } + [.number("All", "total_usd")],
            whenEmpty: HTML("Nothing was spent in these days."))
        table.rows = days.reversed().map { day in
            [.text(day.day.id)] + day.micros.map { .money($0) } + [.money(day.total)]
        }
        return table
    }
}
