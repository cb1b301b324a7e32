import NIOHTTP1
import Testing
import WeirAdmin
import WeirCore
import WeirLedger

@Suite struct CredentialPageTests {
    @Test func `a key is rotated, its successor shown once, and it goes on for the overlap`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            let browser = Browser(admin)
            _ = try await browser.signIn(token)
            _ = try await browser.post(
                "/keys", ["act": "create", "team": "acme", "user": "alice", "products": "search"])
            let old = try #require(try await admin.ledger.keys(team: "acme").first?.record)
            let form = ["act": "rotate", "id": old.id, "back": "/user?team=acme&user=alice"]
            let rotated = try await browser.post("/keys", form.merging(["overlap": "3600"]) { $1 })
            #expect(rotated.status == 200 && rotated.body.contains("It takes the place of \(old.id)"))
            #expect(rotated.body.contains("/user?team=acme&amp;user=alice"))
            let text = try #require(rotated.body.firstMatch(of: /wk_[A-Za-z0-9]+_[A-Za-z0-9]+/)).output
            let keys = try await admin.ledger.keys(team: "acme")
            let successor = try #require(keys.first { $0.record.id != old.id })
            #expect(keys.count == 2 && successor.sha256 == admin.digest(of: String(text)))
            #expect(successor.record.user == "alice" && successor.record.products == ["search"])
            let end = try #require(keys.first { $0.record.id == old.id }?.record.expiresAtMs)
            #expect((3_500_000...3_700_000).contains(end - successor.createdAtMs))
            #expect(!(try await browser.get("/team?team=acme")).body.contains(String(text)))
            let audit = try #require(try await admin.ledger.audit(limit: 1).first)
            #expect(audit.action == "key.rotate" && audit.subject == old.id && audit.actor == "ada")
            for wrong in ["", "soon", "-1", "99999999999"] {
                #expect(try await browser.post("/keys", form.merging(["overlap": wrong]) { $1 }).status == 422)
            }
            #expect(try await admin.ledger.keys(team: "acme").count == 2)
        }
    }

    @Test func `an admin token is made, shown once, used, and revoked, by admins alone`() async throws {
        try await withAdmin { admin in
            let browser = Browser(admin)
            _ = try await browser.signIn(token)
            let made = try await browser.post(
                "/admin-tokens", ["act": "create", "name": "vera", "role": "viewer", "days": "30"])
            let text = String(try #require(made.body.firstMatch(of: /wa_[A-Za-z0-9]+_[A-Za-z0-9]+/)).output)
            let known = try #require(try await admin.ledger.adminTokens().first)
            #expect(known.name == "vera" && known.role == .viewer)
            // From the form's arrival, a moment before it was made, to the next whole second.
            let lifeMs = try #require(known.expiresAtMs) - known.createdAtMs
            #expect((2_591_900_000...2_592_001_000).contains(lifeMs))
            let list = try await browser.get("/admin-tokens").body
            #expect(list.contains(known.id) && list.contains("vera") && !list.contains(text))
            let csv = try await browser.get("/admin-tokens?table=admin-tokens&as=csv").body
            #expect(csv.hasPrefix("id,name,role,status,created_at") && csv.contains("vera,viewer,active"))

            let viewer = Browser(admin)
            _ = try await viewer.signIn(text)
            for page in ["/admin-tokens", "/admin-tokens?table=admin-tokens&as=csv"] {
                let refused = try await viewer.get(page)
                #expect(refused.status == 403 && !refused.body.contains(known.id))
            }
            #expect(!(try await viewer.get("/")).body.contains("href=\"/admin-tokens\""))
            for form in [["act": "create", "name": "eve", "role": "admin"], ["act": "revoke", "id": known.id]] {
                #expect(try await viewer.post("/admin-tokens", form).status == 403)
            }
            #expect(try await admin.ledger.adminTokens().count == 1)

            for wrong in [["name": "a b", "role": "viewer"], ["name": "x", "role": "king"], ["role": "viewer"]] {
                #expect(try await browser.post("/admin-tokens", wrong.merging(["act": "create"]) { $1 }).status == 422)
            }
            let revoked = try await browser.post("/admin-tokens", ["act": "revoke", "id": known.id])
            #expect(revoked.location == "/admin-tokens?done=token-revoked")
            #expect(try await viewer.get("/").status == 303, "its sessions are over")
            let audit = try await admin.ledger.audit(limit: 2)
            #expect(audit.map(\.action) == ["admin-token.revoke", "admin-token.create"])
            #expect(audit.allSatisfy { $0.actor == "ada" && $0.subject == known.id })
        }
    }

    @Test func `prices are shown of any day, with those that were replaced and those to come`() async throws {
        try await withAdmin { admin in
            let browser = Browser(admin)
            _ = try await browser.signIn(token)
            let today = try await browser.get("/prices").body
            #expect(today.contains("Version v1, in force on") && today.contains("claude-haiku-4"))
            #expect(today.contains("No price was replaced"))
            let price = """
                {"models":[{"provider":"anthropic","model":"claude-haiku-4","valid_from":"2026-01-05","context_window":200000,\
                "max_output_tokens":64000,"source":"<b>contract</b>","price":{"input":2000000,"cache_read":200000,\
                "cache_write_5m":2500000,"cache_write_1h":4000000,"output":10000000}}]}
                """
            let added = try await admin.send(.POST, "/admin/v1/prices", price)
            #expect(added.status == 201, "\(added.body)")
            func prices(_ table: String, _ day: String) async throws -> String {
                try await browser.get("/prices?day=\(day)&table=\(table)&as=csv").body
            }
            let own = "anthropic,claude-haiku-4,2026-01-05,2.00,0.20,2.50,4.00,10.00,"
            #expect(try await prices("prices", "2026-01-05").contains(own))
            #expect(try await prices("other-prices", "2026-01-05").contains("anthropic,claude-haiku-4,,1.00,0.10,"))
            #expect(try await prices("prices", "2026-01-04").contains("anthropic,claude-haiku-4,,1.00,0.10,"))
            #expect(try await browser.get("/prices?day=soon").status == 422)
            #expect(try await browser.get("/prices").body.contains("Version v1+1"))
        }
    }
}
