import Foundation
import NIOHTTP1
import WeirAdmin
import WeirCore
import WeirLedger

extension AdminFixture {
    /// The token of somebody new.
    func newToken(_ name: String, _ role: String) async throws -> CreatedAdminToken {
        let answer = try await send(.POST, "/admin/v1/admin-tokens", #"{"name":"\#(name)","role":"\#(role)"}"#)
        guard answer.status == 201 else { throw Problem(text: answer.body) }
        return try answer.decoded(CreatedAdminToken.self)
    }

    /// A call of today in the ledger.
    func call(
        _ id: String, team: String = "acme", user: String? = "alice", product: String = "slack_app",
        model: String = "claude-haiku-4", micros: Int = 1_000_000, extra: [String: String] = [:]
    ) async throws {
        let atMs = Int(Date().timeIntervalSince1970 * 1000)
        _ = try await ledger.ingest(
            [
                UsageEvent(
                    id: id, calledAtMs: atMs, team: team, user: user, key: "wk_1", product: product, billable: true,
                    callClass: "ai", endpoint: "messages", provider: "anthropic", requestedModel: model, model: model,
                    tokens: TokenUsage(input: 100, output: 50), cost: MicroUSD(micros: micros), priceVersion: "v1",
                    status: 200, extra: extra)
            ], deadLetters: [])
    }
}
