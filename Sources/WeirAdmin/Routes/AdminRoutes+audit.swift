import Hummingbird
import WeirLedger

extension AdminRoutes {
    var auditRoutes: [AdminRoute] {
        [
            .get("audit") { request, _ in try await listAudit(request) }
        ]
    }

    private func listAudit(_ request: Request) async throws -> Response {
        let text = try query(request, known: ["limit"])["limit"] ?? "100"
        guard let limit = Int(text), (1...1000).contains(limit) else {
            throw AdminError(.invalidField, "limit must be from 1 to 1000")
        }
        return try answer(AuditList(audit: try await ledger.audit(limit: limit).map(AuditLine.init)))
    }
}
