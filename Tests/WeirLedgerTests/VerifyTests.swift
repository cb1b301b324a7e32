import GRDB
import Synchronization
import Testing
import WeirCore
import WeirTestSupport

@testable import WeirLedger

@Suite struct VerifyTests {
    @Test func `verify finds what was changed by hand`() async throws {
        try await withTemporaryDirectory { directory in
            let ledger = try SQLiteLedger(path: directory + "/weir.db")
            _ = try await ledger.ingest([
                event("a", cost: 5), event("b", team: "globex", user: nil, cost: 6), event("c", team: "t3"),
            ])
            try await ledger.write { db in
                try db.execute(sql: "UPDATE daily_summary SET cost_micros = 4 WHERE team = 'acme'")
                try db.execute(sql: "DELETE FROM daily_summary WHERE team = 'globex'")
                try db.execute(sql: "DELETE FROM usage_event WHERE team = 't3'")
            }
            let found = try await ledger.verify()
            #expect(
                found.map { "\($0.team ?? "") \($0.summary.cost.micros) \($0.expected.cost.micros)" } == [
                    "acme 4 5", "globex 0 6", "t3 1000 0",
                ])
            #expect(found.map(\.user) == ["alice", nil, "alice"])
            // The coarser sums went along with those that they are sums of.
            #expect(found.allSatisfy { $0.table == "daily_summary" && $0.sumOf == "usage_event" })
            try await ledger.close()
        }
    }

    @Test func `verify finds and names a coarser sum that was changed by hand, and rebuild mends it`() async throws {
        try await withTemporaryDirectory { directory in
            let ledger = try SQLiteLedger(path: directory + "/weir.db")
            let yesterday = UTCDay(number: today.number - 1)
            _ = try await ledger.ingest([
                event("a", cost: 5), event("b", user: nil, cost: 6), event("c", cost: 7, atMs: yesterday.startMs),
            ])
            #expect(try await ledger.verify() == [])
            try await ledger.write { db in
                try db.execute(
                    sql: "UPDATE daily_user_summary SET cost_micros = 8 WHERE day = ? AND user = ''",
                    arguments: [today.id])
                try db.execute(sql: "DELETE FROM daily_kind_summary WHERE day = ?", arguments: [yesterday.id])
                try db.execute(
                    sql: "INSERT INTO daily_kind_summary VALUES (?, 'p', 'e', 'm', 1, 0, 0, 0, 0, 0, 0, 0, 9)",
                    arguments: ["2020-01-01"])
            }
            let seen = Mutex<[[Int]]>([])
            let found = try await ledger.verify { done, total in seen.withLock { $0.append([done, total]) } }
            #expect(
                found.map { "\($0.day) \($0.table) \($0.summary.cost.micros) \($0.expected.cost.micros)" } == [
                    "2020-01-01 daily_kind_summary 9 0", "\(yesterday.id) daily_kind_summary 0 7",
                    "\(today.id) daily_user_summary 8 6",
                ])
            #expect(found.allSatisfy { $0.sumOf == "daily_summary" })
            #expect(found.map(\.team) == [nil, nil, "acme"] && found.map(\.product) == ["p", "slack_app", nil])
            #expect(seen.withLock { $0 } == [[0, 3], [1, 3], [2, 3], [3, 3]])
            for day in [UTCDay("2020-01-01"), yesterday, today] {
                let result = try await ledger.rebuild(try #require(day), audit: audit("ledger.rebuild"))
                #expect(result.corrected == 1)
            }
            #expect(try await ledger.verify() == [])
            try await ledger.close()
        }
    }
}
