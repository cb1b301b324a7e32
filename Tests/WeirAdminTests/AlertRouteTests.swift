import NIOHTTP1
import Testing
import WeirCore
import WeirLedger

@testable import WeirAdmin

@Suite struct AlertRouteTests {
    private func alert(_ subject: String) -> Alert {
        Alert(
            .limitShare, subject: subject, period: "2026-11", severity: .warning, text: "text of \(subject)",
            details: ["used": "1"], atMs: 1_795_262_400_000)
    }

    @Test func `alerts are listed newest first, page by page, and by state`() async throws {
        try await withAdmin { admin in
            _ = try await admin.ledger.raise(["a", "b", "c"].map(alert), deliver: true, mostPending: 10)
            let dead = try #require(try await admin.ledger.claimAlert(nowMs: .max / 2, forMs: 1))
            try await admin.ledger.endAttempt(dead, as: .dead, nextAtMs: 0, error: "the webhook answered 404")
            let first = try await admin.send(.GET, "/admin/v1/alerts?limit=2").decoded(AlertList.self)
            #expect(first.alerts.map(\.subject) == ["c", "b"] && first.nextCursor != nil)
            let rest = try await admin.send(.GET, "/admin/v1/alerts?limit=2&cursor=\(first.nextCursor ?? "")")
                .decoded(AlertList.self)
            #expect(rest.alerts.map(\.subject) == ["a"] && rest.nextCursor == nil)
            let given = try await admin.send(.GET, "/admin/v1/alerts?state=dead").decoded(AlertList.self)
            #expect(given.alerts.map(\.error) == ["the webhook answered 404"] && given.alerts[0].attempts == 1)
            let one = try await admin.send(.GET, "/admin/v1/alerts/\(given.alerts[0].id)").decoded(AlertLine.self)
            #expect(one == given.alerts[0])
            for path in ["?state=lost", "?limit=0", "?limit=1001", "?cursor=x", "?nothing=1"] {
                #expect((400..<500).contains(try await admin.send(.GET, "/admin/v1/alerts" + path).status), "\(path)")
            }
            for id in ["0", "99", "-1", "x", "9223372036854775807"] {
                #expect(try await admin.send(.GET, "/admin/v1/alerts/\(id)").status == 404, "\(id)")
            }
        }
    }

    @Test func `a test alert waits for the leader like any other, and needs a webhook`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            let refused = try await admin.send(.POST, "/admin/v1/alerts")
            #expect(refused.status == 400 && refused.error?.message.contains("no webhook") == true)
            let text = policyText + "\nalerts: { webhook: \"http://127.0.0.1:9/x\" }\n"
            #expect(try await admin.send(.PUT, "/admin/v1/policy", text, type: "application/yaml").status == 200)
            for _ in 0..<2 {
                let made = try await admin.send(.POST, "/admin/v1/alerts")
                let line = try made.decoded(AlertLine.self)
                #expect(made.status == 202 && line.kind == "test" && line.state == "pending" && line.attempts == 0)
            }
            #expect(try await admin.ledger.alertCounts() == [.pending: 2])
            let audit = try await admin.send(.GET, "/admin/v1/audit?limit=1").decoded(AuditList.self)
            #expect(audit.audit.first?.action == "alerts.test")
        }
    }

    @Test func `metrics ask for the token, like everything that names teams`() async throws {
        try await withAdmin { admin in
            #expect(try await admin.send(.GET, "/metrics", token: nil).status == 401)
            #expect(try await admin.send(.POST, "/metrics").error?.message == "this path takes GET alone")
            let answer = try await admin.send(.GET, "/metrics")
            #expect(answer.status == 200)
            #expect(answer.headers.first(name: "content-type") == "text/plain; version=0.0.4; charset=utf-8")
        }
        try await withAdmin(adjust: { $0.token = nil }) { admin in
            #expect(try await admin.send(.GET, "/metrics", token: nil).status == 200)
            let rebound = try await admin.send(.GET, "/metrics", token: nil, headers: [("host", "evil.example")])
            #expect(rebound.status == 403)
        }
    }
}
