import Hummingbird
import WeirLedger

extension AdminRoutes {
    var adminTokenRoutes: [AdminRoute] {
        [
            .get("admin-tokens", role: .admin, "Admin tokens, without their text", answer: AdminTokensAnswer.self) {
                request, context in
                try await listAnswer(request, context, as: "admin_tokens") { _, place, limit in
                    let (items, next) = page(try await adminTokens.list(), behind: place, limit) { [$0.id] }
                    return (AdminTokensAnswer(adminTokens: items), next)
                }
            },
            .on(
                .post, "admin-tokens", role: .admin, "Make an admin token; its text is answered this once",
                body: .json(AdminTokenRequest.self), answer: CreatedAdminToken.self, status: .created
            ) { request, context in
                let wanted = try await request.message(AdminTokenRequest.self, upTo: 4096)
                return try answer(try await adminTokens.create(wanted, by: context.actor), status: .created)
            },
            .on(
                .delete, "admin-tokens/{id}", role: .admin, "Revoke an admin token for ever; again does no harm",
                answer: AdminTokenDescription.self
            ) { _, context in
                try answer(try await adminTokens.revoke(parameter("id", context), by: context.actor))
            },
        ]
    }

    private var adminTokens: AdminTokens { AdminTokens(ledger: ledger, nowMs: nowMs()) }
}
