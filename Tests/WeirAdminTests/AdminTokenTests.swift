import Foundation
import NIOHTTP1
import NIOPosix
import Testing
import WeirAdmin
import WeirCore
import WeirLedger
import WeirRedis
import WeirTestSupport

@Suite struct AdminTokenTests {
    private func create(
        _ admin: AdminFixture, _ role: String, name: String = "ann", expiresAt: String? = nil
    ) async throws -> CreatedAdminToken {
        let end = expiresAt.map { ",\"expires_at\":\"\($0)\"" } ?? ""
        let made = try await admin.send(
            .POST, "/admin/v1/admin-tokens", #"{"name":"\#(name)","role":"\#(role)"\#(end)}"#)
        guard made.status == 201 else { throw AdminFixture.Problem(text: made.body) }
        return try made.decoded(CreatedAdminToken.self)
    }

    @Test func `a token is shown once, lets in by its role and name, and is kept as a digest alone`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            let created = try await create(admin, "operator", name: "oncall", expiresAt: "2096-01-01T00:00:00Z")
            let token = try #require(AdminToken(created.token))
            #expect(token.id == created.description.id)
            let listed = try await admin.send(.GET, "/admin/v1/admin-tokens")
            #expect(try listed.decoded(AdminTokensAnswer.self).adminTokens == [created.description])
            #expect(created.description.expiresAt == "2096-01-01T00:00:00Z")
            let secret = created.token.dropFirst(12)
            #expect(!listed.body.contains(secret))
            let (tokens, audit) = (try await admin.ledger.adminTokens(), try await admin.ledger.audit(limit: 9))
            #expect(!"\(tokens)\(audit)".contains(secret))

            let who = try await admin.send(.GET, "/admin/v1/whoami", token: created.token)
            #expect(
                who.body == #"{"from":"127.0.0.1","name":"oncall","role":"operator","token":"\#(token.id)"}"#)
            // The name is the token's, whatever the caller says.
            let thrown = try await admin.send(
                .POST, "/admin/v1/kill-switch", #"{"scope":"global","on":true,"reason":"x"}"#, token: created.token,
                headers: [("weir-actor", "somebody")])
            #expect(thrown.status == 200)
            let entry = try #require(try await admin.ledger.audit(limit: 1).first)
            #expect(entry.actor == "oncall" && entry.token == token.id && entry.from == "127.0.0.1")
            #expect(try await admin.ledger.adminToken(id: token.id)?.lastUsedAtMs != nil)
        }
    }

    @Test func `each role may do what it says, and the refusal names the role that is wanted`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            let tokens = [
                "viewer": try await create(admin, "viewer").token,
                "operator": try await create(admin, "operator").token,
                "admin": try await create(admin, "admin").token,
            ]
            let later = Int(Date().timeIntervalSince1970) + 3600
            let acts: [(HTTPMethod, String, String?, String)] = [
                (.GET, "keys", nil, "viewer"), (.GET, "policy", nil, "viewer"), (.GET, "audit", nil, "viewer"),
                (.GET, "admin-tokens", nil, "admin"),
                (.POST, "kill-switch", #"{"scope":"global","on":false}"#, "operator"),
                (.PUT, "limited/ai_credits/acme", #"{"until":\#(later)}"#, "operator"),
                (.DELETE, "limited/ai_credits/acme", nil, "operator"),
                (.POST, "keys", #"{"team":"acme"}"#, "admin"),
                (.PUT, "overrides", #"{"limit":"ai-calls","subject":"user:acme/a","amount":7}"#, "admin"),
                (.POST, "ledger/reprice", #"{"from":"2026-11-01","to":"2026-11-01"}"#, "admin"),
                (.POST, "admin-tokens", #"{"name":"x","role":"viewer"}"#, "admin"),
            ]
            let order = ["viewer", "operator", "admin"]
            for (method, path, body, wanted) in acts {
                for (rank, role) in order.enumerated() {
                    let answer = try await admin.send(method, "/admin/v1/\(path)", body, token: tokens[role])
                    guard rank < order.firstIndex(of: wanted) ?? 0 else {
                        #expect((200..<300).contains(answer.status), "\(method) \(path) by \(role): \(answer.body)")
                        continue
                    }
                    #expect(answer.status == 403, "\(method) \(path) by \(role)")
                    #expect(answer.error?.message.contains("is for the role \(wanted)") == true, "\(answer.body)")
                    #expect(answer.error?.message.contains("has the role \(role)") == true)
                }
            }
            #expect(try await admin.send(.PUT, "/admin/v1/policy", "x", token: tokens["operator"]).status == 403)
        }
    }

    @Test func `a revoked token and one that has ended are refused at once, in words`() async throws {
        try await withAdmin { admin in
            let created = try await create(admin, "viewer")
            let id = created.description.id
            #expect(try await admin.send(.GET, "/admin/v1/keys", token: created.token).status == 200)
            for _ in 0..<2 {
                let revoked = try await admin.send(.DELETE, "/admin/v1/admin-tokens/\(id)")
                #expect(try revoked.decoded(AdminTokenDescription.self).status == "revoked")
            }
            let refused = try await admin.send(.GET, "/admin/v1/keys", token: created.token)
            #expect(refused.status == 401 && refused.error?.message == "the admin token \(id) was revoked")
            #expect(try await admin.send(.DELETE, "/admin/v1/admin-tokens/wa_00000000").status == 404)

            var generator = SystemRandomNumberGenerator()
            let ended = AdminToken.generate(using: &generator)
            let nowMs = Int(Date().timeIntervalSince1970 * 1000)
            let digest = admin.digest(of: ended.text)
            try await admin.ledger.insertAdminToken(
                LedgerAdminToken(
                    id: ended.id, name: "old", role: .admin, sha256: digest, createdAtMs: 0, expiresAtMs: nowMs),
                audit: AuditEntry(atMs: nowMs, actor: "t", action: "t", subject: "t"))
            let late = try await admin.send(.GET, "/admin/v1/keys", token: ended.text)
            #expect(late.status == 401 && late.error?.message == "the admin token \(ended.id) has ended")
        }
    }

    @Test func `on this machine alone the API is open until the first token is made, and never again`() async throws {
        try await withAdmin(adjust: { $0.token = nil }) { admin in
            #expect(try await admin.send(.GET, "/admin/v1/keys", token: nil).status == 200)
            #expect(try await admin.send(.GET, "/admin/v1/keys", token: "anything").status == 200)
            let made = try await admin.send(
                .POST, "/admin/v1/admin-tokens", #"{"name":"ann","role":"admin"}"#, token: nil)
            let created = try made.decoded(CreatedAdminToken.self)
            #expect(try await admin.send(.GET, "/admin/v1/keys", token: nil).status == 401)
            #expect(try await admin.send(.GET, "/admin/v1/keys", token: "anything").status == 401)
            let path = "/admin/v1/admin-tokens/\(created.description.id)"
            #expect(try await admin.send(.DELETE, path, token: created.token).status == 200)
            #expect(try await admin.send(.GET, "/admin/v1/keys", token: nil).status == 401)
        }
    }

    @Test func `beyond this machine a token of the ledger is enough, while it may be used`() async throws {
        try await withRedis { redis in
            try await withTemporaryDirectory { directory in
                let ledger = try LedgerURL("sqlite:\(directory)/weir.db").open()
                let pool = RedisPool(
                    configuration: try RedisConfiguration(url: redis.url), group: MultiThreadedEventLoopGroup.singleton,
                    logger: .silent)
                func server() async throws -> AdminServer {
                    try await AdminServer(
                        configuration: AdminConfiguration(host: "0.0.0.0"), ledger: ledger, redis: pool,
                        prices: shippedPrices(), group: MultiThreadedEventLoopGroup.singleton, logger: .silent,
                        nowMs: { 1000 })
                }
                let fault = AdminConfiguration.Fault.tokenMissing(host: "0.0.0.0")
                await #expect(throws: fault) { try await server() }
                let tokens = AdminTokens(ledger: ledger, nowMs: 1000)
                let actor = AdminActor(name: "ann", role: .admin, address: "local")
                let made = try await tokens.create(AdminTokenRequest(name: "ann", role: "admin"), by: actor)
                _ = try await server()
                _ = try await tokens.revoke(made.description.id, by: actor)
                await #expect(throws: fault) { try await server() }
                await pool.close()
                try await ledger.close()
            }
        }
    }

    @Test(arguments: [
        #"{"name":"a b","role":"admin"}"#, #"{"name":"a","role":"root"}"#, #"{"name":"a"}"#,
        #"{"name":"a","role":"admin","expires_at":"2020-01-01T00:00:00Z"}"#,
        #"{"name":"a","role":"admin","expires_at":"tomorrow"}"#,
        #"{"name":"a","role":"admin","expires_at":"99999-01-01T00:00:00Z"}"#,
    ])
    func `a token that could not be is refused`(body: String) async throws {
        try await withAdmin { admin in
            let answer = try await admin.send(.POST, "/admin/v1/admin-tokens", body)
            #expect(answer.status == 422, "\(answer.body)")
            #expect(try await admin.ledger.adminTokens().isEmpty)
            #expect(try await admin.ledger.audit(limit: 9).isEmpty)
        }
    }

    @Test func `after ten different wrong tokens the address is refused, but not who has a token of the ledger`()
        async throws
    {
        try await withAdmin { admin in
            let stored = try await create(admin, "viewer").token
            // One that is wrong again and again is a program that was not told, and locks nobody out.
            for _ in 0..<20 {
                #expect(try await admin.send(.GET, "/admin/v1/keys", token: "old").status == 401)
            }
            #expect(try await admin.send(.GET, "/admin/v1/keys").status == 200)
            for guess in 2...10 {
                #expect(try await admin.send(.GET, "/admin/v1/keys", token: "guess-\(guess)").status == 401)
            }
            for shown in [token, "guess-11", "old"] {
                let refused = try await admin.send(.GET, "/admin/v1/keys", token: shown)
                #expect(refused.status == 429 && refused.error?.code == "too_many_attempts")
                let wait = try #require(refused.headers.first(name: "retry-after").flatMap { Int($0) })
                #expect((1...60).contains(wait))
            }
            #expect(try await admin.send(.GET, "/admin/v1/keys", token: stored).status == 200)
            #expect(try await admin.send(.GET, "/healthz", token: nil).status == 200)
            let entry = try #require(try await admin.ledger.audit(limit: 1).first)
            #expect(entry.action == "admin-token.refused" && entry.from == "127.0.0.1")
        }
    }

    @Test func `where a request comes from is the peer, or what a trusted proxy says`() async throws {
        let forwarded = [("x-forwarded-for", "198.51.100.1, 2001:db8::7")]
        try await withAdmin { admin in
            let who = try await admin.send(.GET, "/admin/v1/whoami", headers: forwarded).decoded(Whoami.self)
            #expect(who.from == "127.0.0.1")
        }
        try await withAdmin(adjust: { $0.trustedProxies = try TrustedProxies("127.0.0.1") }) { admin in
            let who = try await admin.send(.GET, "/admin/v1/whoami", headers: forwarded).decoded(Whoami.self)
            #expect(who.from == "2001:db8:0:0:0:0:0:7")
            #expect(try await admin.send(.GET, "/admin/v1/whoami").decoded(Whoami.self).from == "127.0.0.1")
        }
    }
}
