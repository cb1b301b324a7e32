import Hummingbird
import WeirCore
import WeirLedger

extension AdminRoutes {
    /// The longest span of a question, in days: ten years.
    private static let mostDays = 3660

    var usageRoutes: [AdminRoute] {
        [
            .get("usage") { request, _ in try await usage(request) },
            .get("denials") { request, _ in try await denials(request) },
        ]
    }

    private func usage(_ request: Request) async throws -> Response {
        let values = try query(request, known: ["by", "from", "to", "team", "user", "product", "model"])
        guard let column = UsageColumn(rawValue: values["by"] ?? "") else {
            let names = UsageColumn.allCases.map(\.rawValue).joined(separator: ", ")
            throw AdminError(.invalidField, "by says what to group by", hint: "use by=\(names)")
        }
        let days = try days(values)
        let filter = UsageFilter(
            team: values["team"], user: values["user"], product: values["product"], model: values["model"])
        let rows = try await ledger.usage(by: column, in: days, where: filter)
        var total = UsageTotals.zero
        for row in rows { total += row.totals }
        return try answer(
            UsageAnswer(
                by: column.rawValue, from: days.first.id, to: days.last.id,
                rows: rows.map { UsageLine(name: $0.name, totals: $0.totals) },
                total: UsageLine(name: "total", totals: total)))
    }

    private func denials(_ request: Request) async throws -> Response {
        let values = try query(request, known: ["from", "to", "team"])
        let days = try days(values)
        let rows = try await ledger.denials(in: days, team: values["team"])
        return try answer(
            DenialList(
                from: days.first.id, to: days.last.id, total: rows.reduce(0) { $0.addingSaturated($1.denials) },
                denials: rows.map(DenialLine.init)))
    }

    /// `from` and `to` of a query; a week, today included, where they are not given.
    private func days(_ values: [String: String]) throws -> DayRange {
        let last = try values["to"].map { try day($0, "to") } ?? UTCDay(containingMs: nowMs())
        let first = try values["from"].map { try day($0, "from") } ?? UTCDay(number: last.number - 6)
        return try days(from: first, to: last)
    }

    /// A UTC day such as `2026-11-21`.
    func day(_ text: String, _ field: String) throws -> UTCDay {
        guard let day = UTCDay(text) else {
            throw AdminError(.invalidField, "\(field) is not a day", hint: "write it as 2026-11-21 (UTC)")
        }
        return day
    }

    /// The days from `from` to `to`, both included; neither too many nor in the wrong order.
    func days(from first: UTCDay, to last: UTCDay) throws -> DayRange {
        guard first <= last, last.number - first.number < Self.mostDays else {
            throw AdminError(.invalidField, "from must not be after to, nor \(Self.mostDays) days before it")
        }
        return DayRange(first: first, last: last)
    }
}
