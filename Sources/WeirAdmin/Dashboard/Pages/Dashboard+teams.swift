import Hummingbird
import WeirCore
import WeirLedger

extension Dashboard {
    static let rowsPerPage = 50

    func teams(_ visit: Visit) async throws -> Page {
        try await list(.team, .teams, "Teams", visit)
    }

    func users(_ visit: Visit) async throws -> Page {
        try await list(.user, .users, "Users", visit)
    }

    /// Everybody who has spent in 30 days or has a key, dearest first, searched and paged.
    private func list(
        _ column: UsageColumn, _ section: Page.Section, _ title: String, _ visit: Visit
    ) async throws -> Page {
        let days = visit.lastDays(30)
        var rows = try await ledger.usage(by: column, in: days, where: UsageFilter())
        let known = Set(rows.map(\.name))
        let keys = try await ledger.keys(team: nil)
        let others = Set(
            keys.compactMap { key in
                column == .team ? key.record.team : key.record.user.map { key.record.team + "/" + $0 }
            }
        ).subtracting(known).sorted()
        rows += others.map { UsageRow(name: $0, totals: .zero) }
        let search = visit.query["q"]
        if let search { rows = rows.filter { $0.name.lowercased().contains(search.lowercased()) } }
        var page = Page(title, section, PageAddress(section.page, ["q": search]))
        page.addHeading {
            el("p", .css("muted"), text: "\(Format.count(rows.count)), dearest of the last 30 days first")
        }
        page.add(Self.searchForm(section.page, search, "Name contains"))
        let paging = Paging(count: rows.count, page: visit.pageNumber, perPage: Self.rowsPerPage)
        let shown = visit.isExport ? rows[...] : rows[paging.range]
        var table = usageTable(title.lowercased(), "\(title), last 30 days", column, Array(shown))
        if search != nil { table.whenEmpty = HTML("No name contains this. Try fewer letters.") }
        page.add(table)
        page.add(paging.html(page.address))
        return page
    }

    static func searchForm(_ page: PageAddress.Page, _ search: String?, _ label: String) -> HTML {
        el("form", .at(.method, "get"), .action(PageAddress(page)), .at(.role, "search")) {
            el("div", .css("fields")) {
                el("div") {
                    el("label", .at(.for, "q"), text: label)
                    void("input", .at(.type, "search"), .at(.id, "q"), .at(.name, "q"), .at(.value, search ?? ""))
                }
                el("div") { el("button", text: "Search") }
            }
        }
    }

    // MARK: One team

    func team(_ visit: Visit) async throws -> Page {
        let team = try required("team", visit)
        let filter = UsageFilter(team: team)
        var page = Page(
            team, .teams, PageAddress(.team, ["team": team, "by": visit.query["by"]]))
        let limited = try await limitedTable(visit, team: team)
        page.addHeading("Team") {
            if !limited.rows.isEmpty { el("span", .css("tag bad"), text: "limited") }
        }
        page.add(try await facts(filter, visit))
        if !limited.rows.isEmpty { page.add(limited) }
        let keys = try await ledger.keys(team: team)
        let calls = Self.calls(team, keys: keys, policy: try await routes.policyInForce())
        page.add(
            try await limitsTable(calls, filter, visit, back: PageAddress(.team, ["team": team])) {
                [.team, .group].contains($0.per)
            })
        page.add(try await spendAndDenials(filter, visit, &page))
        page.add(
            usageTable(
                "users", "Users, last 30 days (the 20 dearest)", .user,
                try await ledger.dearest(20, by: .user, in: visit.lastDays(30), where: filter)))
        page.add(try await recentEvents(filter, visit))
        page.add(keyTable(keys, visit, back: PageAddress(.team, ["team": team])))
        if may(visit, .post, "keys") { page.add(keyForm(team, visit)) }
        if may(visit, .put, "limited/{resource}/{team}"), limited.rows.isEmpty {
            page.add(try await limitForm(team, visit))
        }
        return page
    }

    private func spendAndDenials(_ filter: UsageFilter, _ visit: Visit, _ page: inout Page) async throws -> HTML {
        let picture = try await spendPicture(filter, visit, &page)
        let denials = page.show(try await denialTable(filter, visit))
        return el("div", .css("pair")) {
            picture
            denials
        }
    }

    // MARK: One user

    func user(_ visit: Visit) async throws -> Page {
        let (team, user) = (try required("team", visit), try required("user", visit))
        let filter = UsageFilter(team: team, user: user)
        let back = PageAddress(.user, ["team": team, "user": user])
        var page = Page(user, .users, back.with("by", visit.query["by"]))
        page.addHeading("User") {
            el("p") {
                "of team "
                el("a", .href(PageAddress(.team, ["team": team])), text: team)
            }
        }
        page.add(try await facts(filter, visit))
        let keys = try await ledger.keys(team: team).filter { $0.record.user == user }
        let calls = Self.calls(team, user: user, keys: keys, policy: try await routes.policyInForce())
        page.add(
            try await limitsTable(calls, filter, visit, back: back) {
                [.team, .group, .user, .key].contains($0.per)
            })
        page.add(try await spendAndDenials(filter, visit, &page))
        page.add(try await recentEvents(filter, visit))
        page.add(keyTable(keys, visit, back: back))
        return page
    }

    func required(_ field: String, _ visit: Visit) throws -> String {
        guard let value = visit.query[field] else {
            throw AdminError(
                .notFound, "the address does not say which \(field)", hint: "choose one on the page of all")
        }
        return value
    }

    /// Spent today, this month, in 30 days.
    private func facts(_ filter: UsageFilter, _ visit: Visit) async throws -> HTML {
        let month = DayRange(Period.month.containing(ms: visit.nowMs))
        var items: [(String, UsageTotals)] = []
        for (name, days) in [
            ("Today", visit.lastDays(1)), ("This month", month), ("Last 30 days", visit.lastDays(30)),
        ] {
            items.append((name, try await ledger.totals(in: days, of: .all, team: filter.team, user: filter.user)))
        }
        return el("div", .css("tiles")) {
            for (name, totals) in items {
                el("section", .css("tile")) {
                    el("h2", text: name)
                    el("p", .css("big"), .at(.title, Format.exactMoney(totals.cost.micros))) {
                        Format.money(totals.cost.micros)
                    }
                    el(
                        "p",
                        text:
                            "\(Format.count(totals.calls)) calls, \(Format.count(totals.tokens.total)) tokens, "
                            + "\(Format.count(totals.errors)) failed")
                }
            }
        }
    }

    private func denialTable(_ filter: UsageFilter, _ visit: Visit) async throws -> DataTable {
        let rows = try await ledger.denials(in: visit.lastDays(7), team: filter.team)
            .filter { filter.user == nil || $0.user == filter.user }
        var table = DataTable(
            "denials", "Denied, last 7 days",
            [.text("Reason", "reason"), .text("Limit", "limit"), .text("User", "user"), .number("Denials", "denials")],
            whenEmpty: HTML("Nothing was denied in seven days."))
        let shown = visit.isExport ? rows[...] : rows.prefix(20)
        table.rows = shown.map { row in
            [.text(row.reason), .text(row.limit), .text(row.user), .count(row.denials)]
        }
        return table
    }

    /// One call for each product and key that may be used, without a user or with one: what limits are looked up by.
    static func calls(_ team: String, user: String? = nil, keys: [LedgerKey], policy: Policy?) -> [Call] {
        guard let policy else { return [] }
        let active = keys.map(\.record).filter(\.isActive)
        // A team is asked about once for all its groups; a user with the groups of each key.
        var groups: [String] = []
        for group in active.flatMap(\.groups) where !groups.contains(group) { groups.append(group) }
        let callers =
            user == nil || active.isEmpty
            ? [APIKeyRecord(id: active.first?.id ?? "none", team: team, groups: groups)] : active
        return callers.flatMap { record in
            policy.products.filter { record.products.isEmpty || record.products.contains($0.key) }
                .sorted { $0.key < $1.key }.map { name, product in
                    Call(
                        team: team, user: user, groups: record.groups, key: record.id, product: name,
                        callClass: product.callClass, billable: product.billable, resource: product.resource,
                        model: "")
                }
        }
    }
}

/// Which part of a list is shown.
struct Paging: Sendable, Hashable {
    let count: Int
    let page: Int
    let perPage: Int

    init(count: Int, page: Int, perPage: Int) {
        self.count = count
        self.perPage = perPage
        self.page = min(page, max(1, (count + perPage - 1) / perPage))
    }

    var pages: Int { max(1, (count + perPage - 1) / perPage) }
    var range: Range<Int> { min(count, (page - 1) * perPage)..<min(count, page * perPage) }

    func html(_ address: PageAddress) -> HTML? {
        guard pages > 1 else { return nil }
        return el("nav", .css("paging"), .at(.ariaLabel, "Pages of this list")) {
            if page > 1 {
                el(
                    "a", .href(address.with("page", page == 2 ? nil : "\(page - 1)")), .at(.rel, "prev"),
                    text: "← Previous")
            }
            el("span", text: "Page \(Format.count(page)) of \(Format.count(pages))")
            if page < pages {
                el("a", .href(address.with("page", "\(page + 1)")), .at(.rel, "next"), text: "Next →")
            }
        }
    }
}
