import Hummingbird
import WeirLedger

extension AdminRoutes {
    var auditRoutes: [AdminRoute] {
        [
            .get(
                "audit", "Who changed what, newest first",
                [
                    .init("actor", .text, "Only this person's."),
                    .init("action", .text, "An action, such as `key.create`, or its beginning, `key`."),
                    .init("subject", .text, "What it was done to."),
                    .init("from", .time, "Not before this moment."), .init("to", .time, "Before this moment."),
                ], answer: AuditList.self
            ) { request, context in try await listAudit(request, context) }
        ]
    }

    private func listAudit(_ request: Request, _ context: AdminContext) async throws -> Response {
        try await listAnswer(request, context, as: "audit") { query, place, limit in
            let values = query.values
            let rows = try await ledger.audit(
                AuditFilter(
                    actor: values["actor"], action: values["action"], subject: values["subject"],
                    fromMs: values["from"].flatMap(moment), toMs: values["to"].flatMap(moment)),
                before: place.flatMap { Int($0[0]) }, limit: limit)
            return (
                AuditList(audit: rows.map(AuditLine.init)),
                rows.count == limit ? rows.last.map { [String($0.number)] } : nil
            )
        }
    }
}
