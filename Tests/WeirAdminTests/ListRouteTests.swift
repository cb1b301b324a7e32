import Foundation
import NIOHTTP1
import Testing
import WeirAdmin
import WeirCore
import WeirLedger
import WeirTestSupport

@Suite struct ListRouteTests {
    /// Every item of a list, in pages of `limit`.
    private func walk<List: AdminList>(
        _ admin: AdminFixture, _ path: String, limit: Int, as _: List.Type
    ) async throws -> [List.Item] {
        var items: [List.Item] = []
        var cursor: String?
        repeat {
            let joint = path.contains("?") ? "&" : "?"
            let address = "/admin/v1/\(path)\(joint)limit=\(limit)" + (cursor.map { "&cursor=\($0)" } ?? "")
            let answer = try await admin.send(.GET, address)
            guard answer.status == 200 else { throw AdminFixture.Problem(text: answer.body) }
            let list = try answer.decoded(List.self)
            #expect(list.items.count <= limit, "\(path)")
            items += list.items
            cursor = list.nextCursor
        } while cursor != nil
        return items
    }

    @Test func `pages of every size make up the whole list, each item once`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            try await admin.ingestCalls(30)
            for index in 0..<7 {
                let body = #"{"team":"team\#(index % 3)","user":"user\#(index)","groups":["g\#(index)"]}"#
                #expect(try await admin.send(.POST, "/admin/v1/keys", body).status == 201)
                let override = #"{"limit":"ai-calls","subject":"user:a/\#(index)","amount":7}"#
                #expect(try await admin.send(.PUT, "/admin/v1/overrides", override).status == 200)
                let later = Int(Date().timeIntervalSince1970) + 3600 + index % 2
                let limited = try await admin.send(
                    .PUT, "/admin/v1/limited/ai_credits/t\(index)", #"{"until":\#(later)}"#)
                #expect(limited.status == 200)
                let off = #"{"scope":"team:t\#(index)","on":false}"#
                #expect(try await admin.send(.POST, "/admin/v1/kill-switch", off).status == 200)
            }
            func check<List: AdminList>(_ path: String, _ type: List.Type, count: Int) async throws {
                let whole = try await walk(admin, path, limit: 1000, as: type).map {
                    try JSONEncoder().encode($0).count
                }
                #expect(whole.count == count, "\(path)")
                for limit in [1, 2, 3, count] {
                    let pages = try await walk(admin, path, limit: limit, as: type)
                    #expect(try pages.map { try JSONEncoder().encode($0).count } == whole, "\(path) by \(limit)")
                }
                let answer = try await admin.send(.GET, "/admin/v1/\(path)\(path.contains("?") ? "&" : "?")format=csv")
                #expect(answer.headers.first(name: "content-type")?.hasPrefix("text/csv") == true, "\(path)")
                #expect(answer.body.split(separator: "\r\n").count == count + 1, "\(path): \(answer.body)")
            }
            try await check("keys", KeyList.self, count: 7)
            try await check("keys?team=team0", KeyList.self, count: 3)
            try await check("teams", TeamList.self, count: 5)
            try await check("users", UserList.self, count: 10)
            try await check("users?team=team1", UserList.self, count: 2)
            try await check("groups", GroupList.self, count: 7)
            try await check("overrides", OverrideList.self, count: 7)
            try await check("limited", LimitedList.self, count: 7)
            try await check("kill-switch", KillSwitchList.self, count: 7)
            try await check("events", EventList.self, count: 30)
            try await check("events?team=acme&outcome=completed", EventList.self, count: 15)
            try await check("usage?by=user", UsageAnswer.self, count: 3)
            try await check("audit", AuditList.self, count: 29)
            try await check("audit?action=key", AuditList.self, count: 7)
            try await check("limits", LimitList.self, count: 1)
            try await check("policy/versions", PolicyList.self, count: 1)
            try await check("prices", PriceList.self, count: 1)
        }
    }

    @Test(arguments: [
        "keys?limit=0", "keys?limit=1001", "keys?limit=x", "keys?cursor=x", "keys?cursor=", "keys?format=xml",
        "events?outcome=done", "events?from=2026-11-21", "events?from=yesterday", "audit?to=2026-11-21T99:00:00Z",
        "keys?team=a%20b", "users?limit=1&limit=2",
    ])
    func `a list's wrong parameter is named`(path: String) async throws {
        try await withAdmin { admin in
            let answer = try await admin.send(.GET, "/admin/v1/\(path)")
            #expect(answer.status == 422, "\(answer.body)")
            let name = path.split(separator: "?")[1].split(separator: "=")[0]
            #expect(answer.body.contains(#""field":"\#(name)""#), "\(answer.body)")
        }
    }

    @Test func `a cursor of one list is refused by another`() async throws {
        try await withAdmin { admin in
            try await admin.ingestCalls(3)
            let page = try await admin.send(.GET, "/admin/v1/users?limit=1").decoded(UserList.self)
            let cursor = try #require(page.nextCursor)
            #expect(try await admin.send(.GET, "/admin/v1/groups?cursor=\(cursor)").status == 422)
            #expect(try await admin.send(.GET, "/admin/v1/users?cursor=\(cursor)").status == 200)
        }
    }

    @Test func `CSV is asked for by the header, too, and holds no formula`() async throws {
        try await withAdmin { admin in
            let day = UTCDay(containingMs: Int(Date().timeIntervalSince1970 * 1000))
            let names = ["=1+1", "+a", "-b", "@c", "\td", "a,\"b\"", "plain"]
            _ = try await admin.ledger.ingest(
                names.enumerated().map { index, name in
                    UsageEvent(
                        id: "e\(index)", calledAtMs: day.startMs, team: "acme", user: "u", product: "p", billable: true,
                        callClass: "ai", endpoint: "messages", provider: "anthropic", requestedModel: name, model: name,
                        cost: MicroUSD(micros: 1), priceVersion: "1")
                }, deadLetters: [])
            let answer = try await admin.send(.GET, "/admin/v1/usage?by=model", headers: [("accept", "text/csv")])
            #expect(answer.headers.first(name: "content-disposition") == "attachment; filename=\"usage.csv\"")
            let lines = answer.body.split(separator: "\r\n").map(String.init)
            #expect(lines[0].hasPrefix("name,calls,errors,input_tokens"))
            let cells = Set(lines.dropFirst().map { $0.replacing(/,1,0,0.*/, with: "") })
            #expect(cells == ["\"'=1+1\"", "\"'+a\"", "\"'-b\"", "\"'@c\"", "\"'\td\"", "\"a,\"\"b\"\"\"", "plain"])
        }
    }

    @Test func `numbers below zero stay numbers, other texts that look like formulas do not`() {
        for (cell, safe) in [
            ("-5", "-5"), ("-0.50", "-0.50"), ("-1+2", "\"'-1+2\""), ("+5", "\"'+5\""), ("=5", "\"'=5\""), ("", ""),
            ("-", "\"'-\""), ("\rx", "\"'\rx\""), ("a=b", "a=b"), ("-0.50.1", "\"'-0.50.1\""),
        ] { #expect(CSVTable.field(cell) == safe) }
    }
}
