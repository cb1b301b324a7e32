import Hummingbird
import WeirCore
import WeirLedger

extension AdminRoutes {
    private static let mostPending = 1_000

    var alertRoutes: [AdminRoute] {
        [
            .get("alerts") { request, _ in try await listAlerts(request) },
            .get("alerts/{id}") { _, context in try await showAlert(context) },
            .post("alerts/test", role: .operator) { _, context in try await testAlert(context) },
        ]
    }

    private func listAlerts(_ request: Request) async throws -> Response {
        let asked = try query(request, known: ["state", "before", "limit"])
        guard let limit = Int(asked["limit"] ?? "100"), (1...1000).contains(limit) else {
            throw AdminError(.invalidField, "limit must be from 1 to 1000")
        }
        var before: Int?
        if let text = asked["before"] {
            guard let id = Int(text), id > 0 else { throw AdminError(.invalidField, "before must be an alert's id") }
            before = id
        }
        var state: AlertRecord.State?
        if let text = asked["state"] {
            let known = AlertRecord.State.allCases.map(\.rawValue).joined(separator: ", ")
            state = AlertRecord.State(rawValue: text)
            guard state != nil else { throw AdminError(.invalidField, "state must be one of \(known)") }
        }
        let records = try await ledger.alerts(state: state, before: before, limit: limit + 1)
        return try answer(
            AlertList(alerts: records.prefix(limit).map(AlertLine.init), truncated: records.count > limit))
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
