import Hummingbird
import WeirLedger

extension AdminRoutes {
    var adminTokenRoutes: [AdminRoute] {
        [
            .get("whoami") { _, context in try answer(Whoami(context.actor)) },
            .get("admin-tokens", role: .admin) { request, _ in
                _ = try query(request, known: [])
                return try answer(AdminTokensAnswer(adminTokens: try await adminTokens.list()))
            },
            .post("admin-tokens", role: .admin) { request, context in
                let wanted = try await request.message(AdminTokenRequest.self, upTo: 4096)
                return try answer(try await adminTokens.create(wanted, by: context.actor), status: .created)
            },
            .delete("admin-tokens/{id}", role: .admin) { _, context in
                try answer(try await adminTokens.revoke(parameter("id", context), by: context.actor))
            },
        ]
    }

    private var adminTokens: AdminTokens { AdminTokens(ledger: ledger, nowMs: nowMs()) }
}
