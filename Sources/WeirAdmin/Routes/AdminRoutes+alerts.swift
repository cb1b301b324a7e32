import Hummingbird
import WeirCore
import WeirLedger

extension AdminRoutes {
    private static let mostPending = 1_000

    var alertRoutes: [AdminRoute] {
        [
            .get(
                "alerts", "What was worth an alert, newest first",
                [.init("state", .oneOf(AlertRecord.State.allCases.map(\.rawValue)), "Only those in this state.")],
                answer: AlertList.self
            ) { request, context in try await listAlerts(request, context) },
            .get("alerts/{id}", "One alert, and what became of it", answer: AlertLine.self) { _, context in
                try await showAlert(context)
            },
            .on(
                .post, "alerts", role: .operator, "Send a test alert to the webhook, as every alert goes",
                answer: AlertLine.self, status: .accepted
            ) { _, context in try await testAlert(context) },
        ]
    }

    private func listAlerts(_ request: Request, _ context: AdminContext) async throws -> Response {
        try await listAnswer(request, context, as: "alerts") { query, place, limit in
            let records = try await ledger.alerts(
                state: query.values["state"].flatMap(AlertRecord.State.init), before: place.flatMap { Int($0[0]) },
                limit: limit)
            return (
                AlertList(alerts: records.map(AlertLine.init)),
                records.count == limit ? records.last.map { [String($0.id)] } : nil
            )
        }
    }

    private func showAlert(_ context: AdminContext) async throws -> Response {
        guard let id = Int(try parameter("id", context)), id > 0, id < .max,
            let record = try await ledger.alerts(state: nil, before: id + 1, limit: 1).first, record.id == id
        else { throw AdminError(.notFound, "there is no such alert") }
        return try answer(AlertLine(record))
    }

    /// Raises one that the leader sends like every other.
    private func testAlert(_ context: AdminContext) async throws -> Response {
        guard try await policyInForce()?.alerts.webhook != nil else {
            throw AdminError(
                .invalidRequest, "the policy names no webhook", hint: "alerts: { at: [0.8], webhook: \"https://…\" }")
        }
        let now = nowMs()
        let subject = "\(context.actor.name) \(now) \(Int.random(in: 0..<1_000_000))"
        let test = Alert(
            .test, subject: subject, period: "test", severity: .info,
            text: "This is a test of Weir's alerts, asked for by \(context.actor.name).", atMs: now)
        guard !(try await ledger.raise([test], deliver: true, mostPending: Self.mostPending)).isEmpty else {
            throw AdminError(
                .invalidRequest, "too many alerts wait to be sent", hint: "weir alerts list --state pending")
        }
        try await ledger.appendAudit(audit(context, "alerts.test", "webhook"))
        let newest = try await ledger.alerts(state: nil, before: nil, limit: 100)
        guard let record = newest.first(where: { $0.alert.subject == subject }) else {
            throw AdminError(.notFound, "the test alert is gone")
        }
        return try answer(AlertLine(record), status: .accepted)
    }
}
