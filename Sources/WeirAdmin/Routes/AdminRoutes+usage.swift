import Hummingbird
import WeirCore
import WeirLedger

extension AdminRoutes {
    /// The longest span of a question, in days: ten years.
    private static let mostDays = 3660

    var usageRoutes: [AdminRoute] {
        let days: [AdminParameter] = [
            .init("from", .day, "The first UTC day; a week, with the last day, without it."),
            .init("to", .day, "The last day, included; today without it."), .init("team", .text, "Only this team's."),
        ]
        return [
            .get(
                "usage", "Calls, LLM tokens and money of some days, dearest first, or in order of days",
                days + [
                    .init("by", .oneOf(UsageColumn.allCases.map(\.rawValue)), "What to sum by.", isRequired: true),
                    .init("user", .text, "Only this user's."), .init("product", .text, "Only this product's."),
                    .init("model", .text, "Only this model's."),
                ], answer: UsageAnswer.self
            ) { request, context in try await usage(request, context) },
            .get(
                "denials", "How often calls were denied, by team, user, limit and reason, most first", days,
                answer: DenialList.self
            ) { request, context in try await denials(request, context) },
        ]
    }

    private func usage(_ request: Request, _ context: AdminContext) async throws -> Response {
        let days = try days(context.query)
        return try await listAnswer(request, context, as: "usage") { query, place, limit in
            let values = query.values
            let by = values["by"] ?? ""
            let filter = UsageFilter(
                team: values["team"], user: values["user"], product: values["product"], model: values["model"])
            let rows = try await ledger.usage(by: UsageColumn(rawValue: by) ?? .day, in: days, where: filter)
            var total = UsageTotals.zero
            for row in rows { total += row.totals }
            let (items, next) = page(rows, behind: place, limit) { [$0.name] }
            return (
                UsageAnswer(
                    by: by, from: days.first.id, to: days.last.id,
                    rows: items.map { UsageLine(name: $0.name, totals: $0.totals) },
                    total: UsageLine(name: "total", totals: total)),
                next
            )
        }
    }

    private func denials(_ request: Request, _ context: AdminContext) async throws -> Response {
        let days = try days(context.query)
        return try await listAnswer(request, context, as: "denials", parts: 4) { query, place, limit in
            let rows = try await ledger.denials(in: days, team: query.values["team"])
            let (items, next) = page(rows, behind: place, limit) {
                [$0.team, $0.user ?? "", $0.limit ?? "", $0.reason]
            }
            return (
                DenialList(
                    from: days.first.id, to: days.last.id, total: rows.reduce(0) { $0.addingSaturated($1.denials) },
                    denials: items.map(DenialLine.init)),
                next
            )
        }
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
            throw AdminError(
                .invalidField, "\(field) is not a day", hint: "write it as 2026-11-21 (UTC)", field: field)
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
