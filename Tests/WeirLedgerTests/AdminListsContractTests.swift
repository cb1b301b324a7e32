import Testing
import WeirCore
import WeirLedger
import WeirTestSupport

@Suite struct AdminListsContractTests {
    private func key(_ id: String, team: String, user: String?, groups: [String] = [], atMs: Int = noonMs) -> LedgerKey
    {
        LedgerKey(
            record: APIKeyRecord(id: id, team: team, user: user, groups: groups), sha256: "sha-\(id)", createdAtMs: atMs
        )
    }

    /// All pages of a list, one row each.
    private func walk<Row>(_ page: (Row?) async throws -> [Row]) async throws -> [Row] {
        var rows: [Row] = []
        while let next = try await page(rows.last).first { rows.append(next) }
        return rows
    }

    @Test(arguments: LedgerKind.allCases)
    func `teams, users and groups are those that have keys or have spent, page by page`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            try await ledger.insertKey(key("k1", team: "acme", user: "alice", groups: ["g2", "g1"]), audit: audit())
            try await ledger.insertKey(key("k2", team: "acme", user: "bob", groups: ["g1"]), audit: audit())
            try await ledger.insertKey(key("k3", team: "acme", user: nil), audit: audit())
            try await ledger.insertKey(key("k4", team: "b", user: "alice"), audit: audit())
            _ = try await ledger.revokeKey(id: "k2", audit: audit())
            _ = try await ledger.ingest([
                event("e1", team: "acme", user: "alice", cost: 5), event("e2", team: "zoo", user: "z", cost: 7),
                event("e3", team: "acme", user: nil, cost: 11),
                event("e4", team: "acme", user: "alice", cost: 13, atMs: noonMs - UTCDay.lengthMs),
            ])
            let days = DayRange(first: today, last: today)
            let teams = try await walk { try await ledger.teams(after: $0?.team, limit: 1, days: days) }
            #expect(teams.map(\.team) == ["acme", "b", "zoo"])
            #expect(teams.map(\.users) == [2, 1, 0] && teams.map(\.keys) == [3, 1, 0])
            #expect(teams.map(\.activeKeys) == [2, 1, 0] && teams.map(\.totals.cost.micros) == [16, 0, 7])

            let users = try await walk { last in
                try await ledger.users(team: nil, after: last.map { ($0.team, $0.user) }, limit: 1, days: days)
            }
            #expect(users.map { "\($0.team)/\($0.user)" } == ["acme/alice", "acme/bob", "b/alice", "zoo/z"])
            #expect(users.map(\.groups) == [["g1", "g2"], [], [], []])
            #expect(users.map(\.totals.cost.micros) == [5, 0, 0, 7])
            #expect(try await ledger.users(team: "b", after: nil, limit: 9, days: days).map(\.user) == ["alice"])
            let both = DayRange(first: UTCDay(number: today.number - 1), last: today)
            #expect(try await ledger.users(team: "acme", after: nil, limit: 1, days: both)[0].totals.cost.micros == 18)

            let groups = try await walk { last in
                try await ledger.groups(team: nil, after: last.map { ($0.team, $0.group) }, limit: 1)
            }
            #expect(groups.map(\.group) == ["g1", "g2"] && groups.map(\.users) == [2, 1])
            #expect(groups.map(\.activeKeys) == [1, 1])
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `keys are found by team, user, group and status, page by page`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            for (index, id) in ["b", "a", "c"].enumerated() {
                let key = key(id, team: "acme", user: id, groups: [id, "all"], atMs: noonMs + index / 2)
                try await ledger.insertKey(key, audit: audit())
            }
            _ = try await ledger.revokeKey(id: "a", audit: audit())
            func ids(_ filter: KeyFilter) async throws -> [String] {
                try await walk { last in
                    try await ledger.keys(filter, after: last.map { ($0.createdAtMs, $0.record.id) }, limit: 1)
                }.map(\.record.id)
            }
            #expect(try await ids(KeyFilter()) == ["a", "b", "c"])
            #expect(try await ids(KeyFilter(team: "acme", isActive: true)) == ["b", "c"])
            #expect(try await ids(KeyFilter(isActive: false)) == ["a"])
            #expect(try await ids(KeyFilter(user: "c")) == ["c"])
            #expect(try await ids(KeyFilter(group: "b")) == ["b"])
            #expect(try await ids(KeyFilter(team: "other")).isEmpty)
        }
    }

    @Test(arguments: [EventFilter.Corrections.listed, .added])
    func `events are searched newest first, by every filter, and each is found once`(
        corrections: EventFilter.Corrections
    ) async throws {
        try await withLedger { ledger, _ in
            // Several at the same moment: their order is by id.
            _ = try await ledger.ingest(
                (0..<30).map { index in
                    event(
                        "e\(10 + index)", team: index % 3 == 0 ? "acme" : "b", user: index % 2 == 0 ? "u" : nil,
                        product: "p\(index % 5)", model: "m\(index % 7)",
                        outcome: index % 10 == 0 ? .clientGone : .completed, atMs: noonMs + index / 4)
                })
            func ids(_ filter: EventFilter) async throws -> [String] {
                var (ids, place): ([String], ExportedEvent.Place?) = ([], nil)
                repeat {
                    let page = try await ledger.events(filter, before: place, limit: 4)
                    ids += page.rows.map(\.event.id)
                    place = page.next
                } while place != nil
                return ids
            }
            let all = EventFilter(fromMs: 0, toMs: noonMs * 2, corrections: corrections)
            let every = (0..<30).map { "e\(10 + $0)" }
            #expect(try await ids(all) == every.reversed())
            func indices(_ change: (inout EventFilter) -> Void) async throws -> [Int] {
                var filter = all
                change(&filter)
                return try await ids(filter).compactMap { Int($0.dropFirst()) }.map { $0 - 10 }.reversed()
            }
            #expect(try await indices { $0.team = "acme" } == (0..<30).filter { $0 % 3 == 0 })
            #expect(try await indices { $0.user = "u" } == (0..<30).filter { $0 % 2 == 0 })
            #expect(
                try await indices {
                    $0.product = "p1"; $0.model = "m6"
                } == [6])
            #expect(
                try await indices {
                    $0.outcome = .clientGone; $0.team = "b"
                } == [10, 20])
            #expect(
                try await indices {
                    $0.fromMs = noonMs + 1; $0.toMs = noonMs + 3
                } == Array(4..<12))
            #expect(try await indices { $0.key = "none" }.isEmpty)
            #expect(try await indices { $0.toMs = .min }.isEmpty)
        }
    }

    @Test func `a page says where to go on if, and only if, more match`() async throws {
        try await withLedger { ledger, _ in
            _ = try await ledger.ingest(
                (0..<9).map { event("e\($0)", user: $0 < 4 ? "a" : "b", atMs: noonMs + $0 / 3) })
            func page(_ user: String, _ limit: Int, before: ExportedEvent.Place? = nil) async throws -> EventRows {
                let filter = EventFilter(user: user, fromMs: 0, toMs: noonMs * 2, corrections: .added)
                return try await ledger.events(filter, before: before, limit: limit)
            }
            for limit in [4, 5] { #expect(try await page("a", limit).next == nil) }
            let first = try await page("a", 3)
            #expect(first.rows.map(\.event.id) == ["e3", "e2", "e1"] && first.next?.id == "e1")
            #expect(try await page("a", 3, before: first.next).rows.map(\.event.id) == ["e0"])
            #expect(first.next.flatMap { ExportedEvent.Place($0.text) } == first.next)
            for wrong in ["", "x", "1", ":e1", "x:e1", "1:"] { #expect(ExportedEvent.Place(wrong) == nil, "\(wrong)") }
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `the audit is filtered by who, what and when`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            for (index, action) in ["key.create", "key.revoke", "keys", "policy.apply"].enumerated() {
                try await ledger.appendAudit(
                    AuditEntry(
                        atMs: noonMs + index, actor: index == 3 ? "bob" : "ann", action: action, subject: "s\(index)"))
            }
            func actions(_ filter: AuditFilter) async throws -> [String] {
                try await walk { try await ledger.audit(filter, before: $0?.number, limit: 1) }.map(\.entry.action)
            }
            #expect(try await actions(AuditFilter()) == ["policy.apply", "keys", "key.revoke", "key.create"])
            #expect(try await actions(AuditFilter(action: "key")) == ["key.revoke", "key.create"])
            #expect(try await actions(AuditFilter(action: "key.create")) == ["key.create"])
            #expect(try await actions(AuditFilter(actor: "bob")) == ["policy.apply"])
            #expect(try await actions(AuditFilter(subject: "s2")) == ["keys"])
            #expect(try await actions(AuditFilter(fromMs: noonMs + 1, toMs: noonMs + 3)) == ["keys", "key.revoke"])
        }
    }
}
