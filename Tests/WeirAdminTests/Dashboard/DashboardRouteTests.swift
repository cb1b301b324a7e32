import Foundation
import NIOHTTP1
import Testing
import WeirAdmin
import WeirCore
import WeirLedger
import WeirRedis
import WeirTestSupport

@Suite struct DashboardRouteTests {
    private static let pages = [
        "/", "/teams", "/team?team=acme", "/users", "/user?team=acme&user=alice", "/limited", "/events", "/policy",
        "/policy/try", "/prices", "/audit", "/admin-tokens", "/kill-switch",
    ]

    @Test func `whoever has not signed in is asked to, and comes back to the page that was wanted`() async throws {
        try await withAdmin { admin in
            let browser = Browser(admin)
            for page in Self.pages {
                let answer = try await browser.get(page)
                #expect(answer.status == 303 && answer.location?.hasPrefix("/sign-in") == true, "\(page)")
                #expect(answer.body.isEmpty)
            }
            #expect(try await browser.get("/team?team=a%2Fb").location == "/sign-in?to=%2Fteam%3Fteam%3Da%252Fb")
            let form = try await browser.get("/sign-in?to=%2Fteam%3Fteam%3Dx")
            #expect(form.status == 200 && form.body.contains("value=\"/team?team=x\""))
            let done = try await browser.post("/sign-in", ["token": token, "to": "/team?team=x"])
            #expect(done.status == 303 && done.location == "/team?team=x")
            for elsewhere in ["//evil.example", "https://evil.example", "/\\evil.example"] {
                #expect(try await browser.post("/sign-in", ["token": token, "to": elsewhere]).location == "/")
            }
        }
    }

    @Test func `every page is answered, allows nothing from elsewhere, and is kept by nobody`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            try await admin.call("01TESTCALL0000000000000000", extra: ["reserved": "ai-calls=1"])
            let browser = Browser(admin)
            _ = try await browser.signIn(token)
            for page in Self.pages + ["/event?id=01TESTCALL0000000000000000", "/policy/version?version=1"] {
                let answer = try await browser.get(page)
                #expect(answer.status == 200, "\(page) \(answer.body)")
                let policy = try #require(answer.headers.first(name: "content-security-policy"))
                #expect(policy.hasPrefix("default-src 'none';") && !policy.contains("unsafe"))
                #expect(answer.headers.first(name: "cache-control") == "no-store")
                #expect(answer.headers.first(name: "x-content-type-options") == "nosniff")
                #expect(
                    !answer.body.contains("http://") && !answer.body.contains("https://"), "\(page) is of this server")
                #expect(!answer.body.contains(" style=") && !answer.body.contains(" onclick="))
            }
        }
    }

    @Test func `the session's cookie is for the browser alone`() async throws {
        try await withAdmin { admin in
            let plain = try await Browser(admin).post("/sign-in", ["token": token])
            let cookie = try #require(plain.headers.first(name: "set-cookie"))
            #expect(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Strict") && !cookie.contains("Secure"))
            let origin = admin.url.replacing("http:", with: "https:")
            let secure = try await Browser(admin).post("/sign-in", ["token": token], origin: origin)
            #expect(secure.headers.first(name: "set-cookie")?.contains("; Secure") == true)
            #expect(!plain.body.contains(token) && !cookie.contains(token))
        }
    }

    @Test func `a wrong token lets nobody in`() async throws {
        try await withAdmin { admin in
            let browser = Browser(admin)
            for wrong in ["wrong-token-of-tests", "", "wa_0000000000_x"] {
                let answer = try await browser.post("/sign-in", ["token": wrong])
                #expect(answer.status == 401 && answer.headers.first(name: "set-cookie") == nil)
            }
            #expect(try await browser.get("/").status == 303)
        }
    }

    @Test func `nothing is changed by a form of another site, of another session, or of none`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            let browser = Browser(admin)
            _ = try await browser.signIn(token)
            let fields = ["scope": "global", "to": "on", "reason": "test", "confirmed": "yes"]
            #expect(try await browser.post("/kill-switch", fields, origin: "https://evil.example").status == 403)
            #expect(try await browser.post("/kill-switch", fields, origin: "null").status == 403)
            #expect(try await browser.post("/kill-switch", fields, origin: nil).status == 403)
            #expect(
                try await browser.post("/kill-switch", fields, token: String(repeating: "0", count: 64)).status == 403)
            #expect(try await browser.post("/kill-switch", fields, type: "text/plain").status == 415)
            let other = Browser(admin)
            _ = try await other.signIn(token)
            #expect(try await browser.post("/kill-switch", fields, token: other.formToken).status == 403)
            #expect(try await Browser(admin).post("/kill-switch", fields).location?.hasPrefix("/sign-in") == true)
            #expect(try await admin.redisText(["HGETALL", "weir:kill-switch"]).isEmpty)
            #expect(try await browser.post("/kill-switch", fields).location == "/?done=switch-thrown")
            #expect(try await admin.redisText(["HGET", "weir:kill-switch", "global"]).contains("\"on\":true"))
            let line = try #require(try await admin.ledger.audit(limit: 1).first)
            #expect(line.actor == "ada" && line.action == "kill-switch.on" && line.reason == "test")
        }
    }

    @Test func `who may not do it is neither offered it nor obeyed`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            let viewer = Browser(admin)
            _ = try await viewer.signIn(try await admin.newToken("vera", "viewer").token)
            let overview = try await viewer.get("/")
            #expect(overview.status == 200 && !overview.body.contains("Stop calls"))
            #expect(try await viewer.get("/kill-switch").status == 403)
            let fields = ["scope": "global", "to": "on", "reason": "test", "confirmed": "yes"]
            #expect(try await viewer.post("/kill-switch", fields).status == 403)
            #expect(try await viewer.post("/keys", ["act": "create", "team": "acme"]).status == 403)
            let override = [
                "act": "set", "limit": "ai-calls", "subject": "user:acme/alice", "amount": "9", "reason": "x",
            ]
            #expect(try await viewer.post("/override", override).status == 403)
            #expect(try await admin.redisText(["HGETALL", "weir:kill-switch"]).isEmpty)
            #expect(try await admin.ledger.keys(team: nil).isEmpty)

            let operated = Browser(admin)
            _ = try await operated.signIn(try await admin.newToken("otto", "operator").token)
            #expect(try await operated.get("/").body.contains("Stop calls"))
            #expect(try await operated.post("/kill-switch", fields).location == "/?done=switch-thrown")
            #expect(try await operated.post("/override", override).status == 403)
            let line = try #require(try await admin.ledger.audit(limit: 1).first)
            #expect(line.actor == "otto" && line.token?.hasPrefix("wa_") == true)
        }
    }

    @Test func `a session ends with its token, and when its holder signs out`() async throws {
        try await withAdmin { admin in
            let created = try await admin.newToken("vera", "viewer")
            let kept = Browser(admin)
            let other = Browser(admin)
            _ = try await kept.signIn(created.token)
            _ = try await other.signIn(created.token)
            let signedOut = try await other.post("/sign-out", [:])
            #expect(signedOut.location == "/sign-in?done=signed-out")
            let afterwards = try await other.get("/")
            #expect(afterwards.status == 303)
            let before = try await kept.get("/")
            #expect(before.status == 200)
            _ = try await admin.send(.DELETE, "/admin/v1/admin-tokens/\(created.description.id)")
            let after = try await kept.get("/")
            #expect(after.status == 303)
        }
    }

    @Test func `without a token, on this machine alone, everybody is let in until there is one`() async throws {
        try await withAdmin(adjust: { $0.token = nil }) { admin in
            let browser = Browser(admin)
            let first = try await browser.get("/")
            #expect(first.status == 200)
            #expect(try await browser.get("/").headers.first(name: "set-cookie") == nil, "the session is kept")
            let body = #"{"name":"ada","role":"admin"}"#
            #expect(try await admin.send(.POST, "/admin/v1/admin-tokens", body, token: nil).status == 201)
            #expect(try await browser.get("/").status == 303)
        }
    }

    @Test func `the session opens pages, and nothing of the API`() async throws {
        try await withAdmin { admin in
            let browser = Browser(admin)
            _ = try await browser.signIn(token)
            #expect(try await browser.get("/admin/v1/keys").status == 401)
        }
    }

    @Test func `names are text on every page, whatever they hold`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            let evil = "<script>alert(1)</script>"
            try await admin.call(
                "01EVIL", team: evil, user: evil, product: evil, model: evil,
                extra: [evil: evil, "reserved": "\(evil)=1"])
            _ = try await admin.ledger.appendAudit(
                AuditEntry(atMs: 1, actor: evil, action: evil, subject: evil, before: evil, after: evil, reason: evil))
            let browser = Browser(admin)
            _ = try await browser.signIn(token)
            let name = "%3Cscript%3Ealert(1)%3C%2Fscript%3E"
            for page in Self.pages + [
                "/team?team=\(name)", "/user?team=\(name)&user=\(name)", "/event?id=01EVIL", "/events?team=\(name)",
                "/?by=model", "/teams?q=\(name)", "/audit?q=\(name)", "/events?from=\(name)", "/event?id=\(name)",
                "/?table=\(name)&as=csv", "/sign-in?to=\(name)&done=\(name)", "/policy/version?version=\(name)",
            ] {
                let answer = try await browser.get(page)
                #expect(!answer.body.contains("<script>") && answer.status < 500, "\(page) \(answer.status)")
            }
            #expect(try await browser.get("/teams").body.contains("&lt;script&gt;"))
            let csv = try await browser.get("/teams?table=teams&as=csv")
            #expect(csv.headers.first(name: "content-type")?.hasPrefix("text/csv") == true)
            #expect(csv.headers.first(name: "content-disposition")?.hasPrefix("attachment") == true)
        }
    }

    @Test func `an amount is set and taken back in place`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            let browser = Browser(admin)
            _ = try await browser.signIn(token)
            let place = ["limit": "ai-calls", "subject": "user:acme/alice", "back": "/user?team=acme&user=alice"]
            let set = try await browser.post(
                "/override",
                place.merging(["act": "set", "amount": "9", "days": "7", "reason": "the migration"]) { $1 })
            #expect(set.location == "/user?team=acme&user=alice&done=override-set", "\(set.body)")
            #expect(try await admin.redisText(["GET", "weir:override:ai-calls:user:acme/alice"]) == "9")
            let override = try #require(try await admin.ledger.overrides().first)
            #expect(override.actor == "ada" && override.reason == "the migration" && override.untilMs != nil)
            let wrong = try await browser.post("/override", place.merging(["act": "set", "amount": "lots"]) { $1 })
            #expect(wrong.status == 422 && wrong.body.contains("not an amount"))
            _ = try await browser.post("/override", place.merging(["act": "remove"]) { $1 })
            #expect(try await admin.redisText(["GET", "weir:override:ai-calls:user:acme/alice"]) == "nil")
        }
    }

    @Test func `a key is shown once, and can be revoked`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            let browser = Browser(admin)
            _ = try await browser.signIn(token)
            let created = try await browser.post(
                "/keys", ["act": "create", "team": "acme", "user": "alice", "groups": "a, b", "products": "slack-bot"])
            let key = try #require(created.body.firstMatch(of: /wk_[A-Za-z0-9]+_[A-Za-z0-9]+/)).output
            let record = try #require(try await admin.ledger.keys(team: "acme").first?.record)
            #expect(record.groups == ["a", "b"] && record.products == ["slack_app"])
            #expect(!(try await browser.get("/team?team=acme")).body.contains(String(key)))
            let revoked = try await browser.post(
                "/keys", ["act": "revoke", "id": record.id, "back": "/team?team=acme"])
            #expect(revoked.location == "/team?team=acme&done=key-revoked")
            #expect(try await admin.ledger.key(id: record.id)?.record.isActive == false)
        }
    }

    @Test func `a policy is checked, tried on past calls, and only then applied`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            for number in 0..<8 { try await admin.call("01CALL\(number)") }
            let browser = Browser(admin)
            _ = try await browser.signIn(token)
            let wrong = try await browser.post("/policy/try", ["yaml": "limits: [{ id: <b>x }]", "days": "7"])
            #expect(wrong.status == 422 && wrong.body.contains("&lt;b&gt;x") && wrong.body.contains("policy.yaml:"))
            let yaml = policyText.replacing("amount: 5", with: "amount: 2")
            let begun = try await browser.post("/policy/try", ["yaml": yaml, "days": "1"])
            let place = try #require(begun.location, "\(begun.body)")
            try await eventually("the trial has ended") {
                try await browser.get(place).body.contains("Apply as version 2")
            }
            let result = try await browser.get(place)
            #expect(result.body.contains("<td class=\"n\">6</td>"), "six of eight would be denied")
            #expect(try await admin.ledger.currentPolicy()?.version == 1, "nothing was applied by trying")
            let job = String(place.drop { $0 != "=" }.dropFirst())
            #expect(try await browser.post("/policy", ["job": job, "over": "7"]).status == 422)
            #expect(
                try await browser.post("/policy", ["job": job, "over": "1", "note": "less"]).location
                    == "/policy?done=policy-applied")
            #expect(try await admin.ledger.currentPolicy()?.policy.limits.first?.amount == 2)
            let other = Browser(admin)
            _ = try await other.signIn(token, name: "bob")
            #expect(try await other.get(place).status == 404, "a trial is its owner's alone")
        }
    }

    @Test func `all events that match are exported, however many, and none twice`() async throws {
        try await withAdmin { admin in
            for number in 0..<1203 {
                try await admin.call("01CALL\(number)", team: number % 2 == 0 ? "acme" : "globex")
            }
            let browser = Browser(admin)
            _ = try await browser.signIn(token)
            let lines = try await browser.get("/export/events?as=csv").body.split(separator: "\r\n")
            #expect(lines.count == 1204 && Set(lines).count == 1204)
            let json = try await browser.get("/export/events?as=json&team=globex").body
            let rows = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]])
            #expect(rows.count == 601 && rows.allSatisfy { $0["team"] as? String == "globex" })
            #expect(try await browser.get("/export/events?as=json&team=nobody").body == "[]\n")
            #expect(try await browser.get("/events?after=9223372036854775807:x").status == 200)
            #expect(try await browser.get("/events?after=x").status == 422)
        }
    }
}
