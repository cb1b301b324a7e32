import WeirCore
import WeirLedger

extension Dashboard {
    private static let linesShown = 200

    func audit(_ visit: Visit) async throws -> Page {
        var page = Page("Audit", .audit, PageAddress(.audit, ["q": visit.query["q"]]))
        page.addHeading {
            el("p", .css("muted"), text: "Who changed what, newest first.")
        }
        let search = visit.query["q"]
        page.add(Self.searchForm(.audit, search, "Actor, action or subject contains"))
        var lines = try await ledger.audit(limit: 10_000)
        if let search = search?.lowercased() {
            lines = lines.filter { line in
                [line.actor, line.action, line.subject].contains { $0.lowercased().contains(search) }
            }
        }
        let paging = Paging(count: lines.count, page: visit.pageNumber, perPage: Self.linesShown)
        var table = DataTable(
            "audit", "Audit log",
            [
                .text("At (UTC)", "at"), .text("Who", "actor"), .text("From", "from"), .text("Did", "action"),
                .text("To", "subject"), .text("Before", "before"), .text("After", "after"), .text("Reason", "reason"),
            ],
            whenEmpty: HTML(
                search == nil ? "Nothing was changed yet. Whatever is changed stands here." : "No line contains this."))
        table.rows = (visit.isExport ? lines[...] : lines[paging.range]).map { line in
            [
                .time(line.atMs), .text(line.actor), .text(line.from), .text(line.action), .text(line.subject),
                .text(line.before), .text(line.after), .text(line.reason),
            ]
        }
        page.add(table)
        page.add(paging.html(page.address))
        return page
    }
}
