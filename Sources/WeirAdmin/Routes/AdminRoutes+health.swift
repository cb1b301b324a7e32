import Hummingbird
import WeirLedger

extension AdminRoutes {
    /// Without a token: what balancers and supervisors ask. They say nothing about anybody.
    func addHealth(to router: Router<AdminContext>) {
        router.get("healthz") { _, _ in try answer(Health(status: "ok", reasons: [])) }
        router.get("readyz") { _, _ in try await readiness() }
    }

    /// For operators, with a token.
    var statusRoutes: [AdminRoute] {
        [
            .get("status") { _, _ in try answer(await publication.status()) }
        ]
    }

    private func readiness() async throws -> Response {
        var reasons: [String] = []
        do { _ = try await ledger.revision() } catch { reasons.append("the ledger does not answer") }
        do { _ = try await publication.nowMs() } catch { reasons.append("Redis does not answer") }
        if let reason = await unreadyReason() { reasons.append(reason) }
        return reasons.isEmpty
            ? try answer(Health(status: "ok", reasons: []))
            : try answer(Health(status: "unready", reasons: reasons), status: .serviceUnavailable)
    }
}
