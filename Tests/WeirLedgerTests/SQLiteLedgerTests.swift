import Foundation
import GRDB
import Testing
import WeirCore
import WeirTestSupport

@testable import WeirLedger

@Suite struct SQLiteLedgerTests {
    @Test func `the file is private, in WAL, and survives power loss`() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/weir.db"
            let ledger = try SQLiteLedger(path: path)
            _ = try await ledger.ingest([event("a")])
            for suffix in ["", "-wal", "-shm"] {
                let mode = try FileManager.default.attributesOfItem(atPath: path + suffix)[.posixPermissions] as? Int
                #expect(mode == 0o600, "\(suffix)")
            }
            let pragmas = try await ledger.write { db in
                [
                    try String.fetchOne(db, sql: "PRAGMA journal_mode"),
                    try String.fetchOne(db, sql: "PRAGMA synchronous"),
                    try String.fetchOne(db, sql: "PRAGMA foreign_keys"),
                ]
            }
            #expect(pragmas == ["wal", "2", "1"])
            try await ledger.close()
        }
    }

    @Test func `what a crash leaves of an open transaction is nothing`() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/weir.db"
            let ledger = try SQLiteLedger(path: path)
            _ = try await ledger.ingest((0..<10).map { event("kept-\($0)") })
            let copy = directory + "/copy.db"
            // The files as they are in the middle of a transaction, its pages already spilled into the WAL.
            try await ledger.pool.write { db in
                try db.execute(sql: "PRAGMA cache_size = 1")
                for number in 0..<2_000 {
                    try db.execute(
                        sql: "INSERT INTO dead_letter VALUES ('s', ?, randomblob(500), '', 0)", arguments: ["\(number)"]
                    )
                }
                for suffix in ["", "-wal"] {
                    try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix)
                }
            }
            try await ledger.close()
            let size = try FileManager.default.attributesOfItem(atPath: copy + "-wal")[.size] as? Int ?? 0
            #expect(size > 500_000, "the transaction must really be in the copy")
            let survivor = try SQLiteLedger(path: copy)
            #expect(try await survivor.total().calls == 10)
            #expect(try await survivor.deadLetters(limit: 1) == [])
            #expect(try await survivor.verify() == [])
            try await survivor.close()
        }
    }

    @Test func `F-S3: a damaged file is refused with what to do`() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/weir.db"
            let ledger = try SQLiteLedger(path: path)
            _ = try await ledger.ingest((0..<3_000).map { event("e\($0)") })
            try await ledger.close()
            let file = try #require(FileHandle(forUpdatingAtPath: path))
            for page in 20..<40 {
                try file.seek(toOffset: UInt64(page * 4096))
                file.write(Data((0..<4096).map { _ in UInt8.random(in: 0...255) }))
            }
            try file.close()
            let error = #expect(throws: LedgerError.self) { try SQLiteLedger(path: path) }
            guard case .corrupt(let text)? = error else { return }
            #expect(text.contains("backup") && text.contains(".recover"))
            try FaultReport(
                "F-S3", invariant: "damaged pages are found at the start, and the advice is given, C1",
                bound: "refused", measured: "refused"
            ).report()
        }
    }

    @Test func `a file that is no ledger is refused and left as it is`() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/notes.txt"
            let text = String(repeating: "no ledger ", count: 500)
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            let error = #expect(throws: LedgerError.self) { try SQLiteLedger(path: path) }
            guard case .corrupt = error else { throw error ?? LedgerError.failed("no error") }
            let after = try String(contentsOfFile: path, encoding: .utf8)
            #expect(after == text)
        }
    }

    @Test func `a ledger of a newer version is refused`() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/weir.db"
            let ledger = try SQLiteLedger(path: path)
            try await ledger.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99 later')") }
            try await ledger.close()
            let error = #expect(throws: LedgerError.self) { try SQLiteLedger(path: path) }
            guard case .invalid(let text) = error else { throw error ?? LedgerError.failed("no error") }
            #expect(text.contains("newer version"))
        }
    }

    @Test func `F-S1: another process's write lock makes a batch wait, then fail whole`() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/weir.db"
            let ledger = try SQLiteLedger(path: path, busyTimeoutMs: 50)
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            let other = try DatabaseQueue(path: path, configuration: configuration)
            try other.inDatabase { try $0.execute(sql: "BEGIN IMMEDIATE") }
            let error = await #expect(throws: LedgerError.self) { try await ledger.ingest([event("a")]) }
            guard case .busy = error else { throw error ?? LedgerError.failed("no error") }
            #expect(try await ledger.total() == .zero, "readers do not wait")
            try other.inDatabase { try $0.execute(sql: "COMMIT") }
            let inserted = try await ledger.ingest([event("a")]).inserted
            #expect(inserted == 1)
            try FaultReport(
                "F-S1", invariant: "ledger locked: the batch fails whole, and stands when repeated, E1",
                bound: "0 rows while locked, then 1", measured: "0, then \(inserted)"
            ).report()
            try await ledger.close()
        }
    }

    @Test func `F-S2: on a full disk a batch fails whole, and stands when there is space again`() async throws {
        try await withTemporaryDirectory { directory in
            let ledger = try SQLiteLedger(path: directory + "/weir.db")
            _ = try await ledger.ingest([event("before")])
            // SQLite's own bound on the file says "full" at the same places where the disk would.
            let pages = try await ledger.write { db in
                let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
                try db.execute(sql: "PRAGMA max_page_count = \(pages)")
                return pages
            }
            let batch = (0..<2_000).map { event("e\($0)") }
            for _ in 0..<3 {
                let error = await #expect(throws: LedgerError.self) { try await ledger.ingest(batch) }
                guard case .full = error else { throw error ?? LedgerError.failed("no error") }
                #expect(try await ledger.total().calls == 1)
                #expect(try await ledger.verify() == [])
            }
            try await ledger.write { try $0.execute(sql: "PRAGMA max_page_count = \(pages * 1_000)") }
            let inserted = try await ledger.ingest(batch).inserted
            #expect(inserted == 2_000)
            #expect(try await ledger.verify() == [])
            try await ledger.close()
            try FaultReport(
                "F-S2", invariant: "disk full: the batch fails whole, and stands when there is space, E1",
                bound: "0 of 2000 rows, then 2000", measured: "0, then \(inserted)"
            ).report()
        }
    }

    @Test func `the view shows each day's exact cost and its breakdown`() async throws {
        try await withTemporaryDirectory { directory in
            let ledger = try SQLiteLedger(path: directory + "/weir.db")
            _ = try await ledger.ingest([
                event("1", cost: 1_000_007), event("2", team: "globex", model: "m2", cost: 3),
                event("3", cost: 5, atMs: noonMs - 86_400_000),
            ])
            let rows = try ledger.pool.read { db in
                try Row.fetchAll(db, sql: "SELECT * FROM api_daily_summary ORDER BY summary_date DESC")
            }
            #expect(rows.count == 2)
            let row = try #require(rows.first)
            #expect(row["summary_date"] == "2026-11-21")
            #expect(row["total_calls"] == 2)
            #expect(row["total_cost_usd"] == "1.000010")
            let breakdown = try JSONDecoder().decode(
                [String: [String: [String: Int]]].self, from: Data((row["breakdown_json"] as String).utf8))
            #expect(
                breakdown["teams"] == [
                    "acme": ["calls": 1, "cost_micros": 1_000_007], "globex": ["calls": 1, "cost_micros": 3],
                ])
            #expect(breakdown["models"]?["m2"] == ["calls": 1, "cost_micros": 3])
            #expect(breakdown["endpoints"]?["messages"]?["calls"] == 2)
            #expect((row["computed_at"] as String).hasSuffix("Z"))
            try await ledger.close()
        }
    }

    @Test func `a correction is an event without tokens that names the call, and prices cannot be changed by hand`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let ledger = try SQLiteLedger(path: directory + "/weir.db")
            _ = try await ledger.ingest([event("a", model: "m", cost: 1)])
            let history = try PriceHistory(version: "v2", models: [price("m", perToken: 2)])
            _ = try await ledger.reprice(everyDay, by: history, dryRun: false, audit: audit())
            let columns = "id, corrects, outcome, cost_micros, input_tokens, called_at, price_version, extra"
            let rows = try await ledger.read { db in
                try Row.fetchAll(db, sql: "SELECT \(columns) FROM usage_event ORDER BY id").map { row in
                    row.map { String.fromDatabaseValue($0.1) ?? "\($0.1)" }.joined(separator: " ")
                }
            }
            #expect(
                rows == [
                    "a NULL completed 1 10 \(noonMs) 1 NULL",
                    "a:1 a repriced 29 0 \(noonMs) v2 "
                        + #"{"corrected_price_version":"1","repriced_at":\#(noonMs)}"#,
                ])
            _ = try await ledger.appendPrices([price("m", perToken: 1, from: "2026-11-01")], audit: audit())
            for sql in ["UPDATE price SET json = '{}'", "DELETE FROM price"] {
                await #expect(throws: LedgerError.self) { try await ledger.write { try $0.execute(sql: sql) } }
            }
            #expect(try await ledger.addedPrices().version == 1)
            try await ledger.close()
        }
    }

    @Test func `texts of any length are kept as they are, and an empty one is not a missing one`() async throws {
        try await withTemporaryDirectory { directory in
            let ledger = try SQLiteLedger(path: directory + "/weir.db")
            let texts = ["", "é漢🙂", String(repeating: "ß", count: 1_000), String(repeating: "x", count: 10_000)]
            let events = texts.enumerated().map { number, text in
                var event = event("e\(number)")
                (event.session, event.request, event.role, event.task) = (text, nil, text, text)
                (event.toolUsed, event.extra) = (text + "!", ["k": text])
                return event
            }
            _ = try await ledger.ingest(events)
            let kept = try await ledger.events(in: everyDay, after: nil, limit: 10)
            #expect(kept == events)
            try await ledger.close()
        }
    }

    @Test(arguments: [0, 5_000])
    func `a text ends before a zero byte, in events and in sums`(padding: Int) async throws {
        try await withTemporaryDirectory { directory in
            let ledger = try SQLiteLedger(path: directory + "/weir.db")
            let product = String(repeating: "p", count: padding) + "a"
            _ = try await ledger.ingest([event("1", product: product + "\u{0}b"), event("2", product: product)])
            let products = try await ledger.events(in: everyDay, after: nil, limit: 10).map(\.product)
            #expect(products == [product, product])
            #expect(try await ledger.usage(by: .product, in: everyDay, where: UsageFilter()).map(\.totals.calls) == [2])
            #expect(try await ledger.verify() == [])
            try await ledger.close()
        }
    }

    @Test func `a sum that no event may pass stays at its bound, in the coarser tables, too`() async throws {
        try await withTemporaryDirectory { directory in
            let ledger = try SQLiteLedger(path: directory + "/weir.db")
            // More than 2^53 in one batch, and again in the next.
            for batch in 0..<2 {
                _ = try await ledger.ingest(
                    (0..<20).map { event("\(batch)-\($0)", cost: UsageEvent.largestForLedger, atMs: noonMs) })
                #expect(try await ledger.verify() == [])
            }
            #expect(try await ledger.total().cost.micros == .largestExact)
            try await ledger.close()
        }
    }

    @Test func `usage_event has a column for all that an event knows`() async throws {
        try await withTemporaryDirectory { directory in
            let ledger = try SQLiteLedger(path: directory + "/weir.db")
            let full = UsageEvent(
                id: "i", calledAtMs: noonMs, team: "t", user: "u", key: "k", session: "s", request: "r", product: "p",
                billable: true, callClass: "c", endpoint: "e", provider: "v", role: "ro", task: "ta",
                requestedModel: "rm",
                model: "m",
                tokens: TokenUsage(input: 1, cacheRead: 2, cacheWrite5m: 3, cacheWrite1h: 4, output: 5, reasoning: 6),
                cost: MicroUSD(micros: 7), priceVersion: "pv", isModelKnown: false, toolUsed: "tu", latencyMs: 8,
                isOK: false,
                status: 502, outcome: .providerCut, promptVersion: "prv", extra: ["b": "2", "a": "\"1\""])
            _ = try await ledger.ingest([full])
            let row = try #require(ledger.pool.read { try Row.fetchOne($0, sql: "SELECT * FROM usage_event") })
            let values = Dictionary(uniqueKeysWithValues: row.map { ($0, String.fromDatabaseValue($1) ?? "\($1)") })
            #expect(
                values == [
                    "id": "i", "called_at": "\(noonMs)", "team": "t", "user": "u", "key": "k",
                    "session": "s",
                    "request": "r", "product": "p", "billable": "1", "class": "c", "endpoint": "e",
                    "provider": "v",
                    "role": "ro", "task": "ta", "requested_model": "rm", "model": "m",
                    "input_tokens": "1",
                    "cache_read_tokens": "2", "cache_write_5m_tokens": "3", "cache_write_1h_tokens": "4",
                    "output_tokens": "5",
                    "reasoning_tokens": "6", "cost_micros": "7", "price_version": "pv", "known_model": "0",
                    "tool_used": "tu",
                    "latency_ms": "8", "ok": "0", "status": "502", "outcome": "provider_cut",
                    "prompt_version": "prv",
                    "extra": #"{"a":"\"1\"","b":"2"}"#, "corrects": "NULL",
                ])
            try await ledger.close()
        }
    }
}

@Suite struct LedgerURLTests {
    @Test(arguments: [
        ("sqlite:weir.db", "weir.db"), ("sqlite:/var/lib/weir.db", "/var/lib/weir.db"),
        ("sqlite:///var/lib/weir.db", "/var/lib/weir.db"),
    ])
    func `a ledger's address names its file`(text: String, path: String) throws {
        #expect(try LedgerURL(text) == .sqlite(path: path))
    }

    @Test(arguments: [
        "", "weir.db", "sqlite:", "sqlite::memory:", "sqlite://host/x", "mysql://x", "postgres://u:secret@h/d",
    ])
    func `any other address is refused with what would be right, and without its password`(text: String) {
        let error = #expect(throws: LedgerError.self) { try LedgerURL(text) }
        #expect(error?.description.contains("sqlite:") == true)
        #expect(error?.description.contains("secret") == false)
    }

    @Test func `a ledger that cannot be opened is refused with its path`() throws {
        let error = #expect(throws: LedgerError.self) { try LedgerURL("sqlite:/nowhere/at/all/weir.db").open() }
        #expect(error?.description.contains("/nowhere/at/all/weir.db") == true)
    }
}
