import Foundation
import GRDB
import Logging
import NIOCore
import NIOPosix
import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

@Suite struct OutboxFileTests {
    private static func script(_ number: Int, event: String = "{}", shard: Int = 7) -> EndScript {
        var generator = SeededGenerator(seed: UInt64(number))
        return EndScript(
            .settle, shard: Shard(number: shard), id: ReservationID(birthMs: number, using: &generator),
            admittedMs: number, event: Array(event.utf8),
            counters: [
                (CounterKey(key: "weir:{07}:budget:b:user:a/b:2026-11", counter: .budget(.month), span: 9_000), number),
                (CounterKey(key: "weir:{07}:window:w:user:a/b", counter: .ring(windowMs: 60_000), span: 60_000), 1),
            ])
    }

    private func open(_ path: String, limitBytes: Int = Outbox.standardLimitBytes) throws -> Outbox {
        try Outbox(directory: path, limitBytes: limitBytes, logger: .silent)
    }

    @Test func `what is written is found again, whole and in order, by whoever opens the files as they lie there`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let outbox = try open(directory + "/a")
            var random = SeededGenerator()
            var scripts: [EndScript] = []
            for number in 0..<100 {
                let event =
                    #"{"x":"# + "[\(String(repeating: #""ü\"\\","#, count: Int.random(in: 0..<200, using: &random)))0]}"
                scripts.append(Self.script(number, event: event, shard: Int.random(in: 0..<16, using: &random)))
            }
            var tickets: [OutboxRow.Ticket] = []
            for script in scripts { tickets.append(outbox.add(script, atMs: 5).ticket) }
            for ticket in tickets { await outbox.written(ticket, on: MultiThreadedEventLoopGroup.singleton.any()) }
            // As after kill -9: nothing was closed.
            try FileManager.default.copyItem(atPath: directory + "/a", toPath: directory + "/b")
            let other = try open(directory + "/b")
            #expect(other.status.rows == 100 && other.status.bytes == outbox.status.bytes)
            let found = try await other.file.rows(in: 1...1000, count: 1000)
            #expect(found.count == 100, "seed \(random.seed)")
            for (found, script) in zip(found, scripts) {
                guard case .row(let row) = found else { throw NotReadable() }
                #expect(row.script.shard == script.shard && row.script.id == script.id)
                #expect(row.script.event == script.event && row.script.admittedMs == script.admittedMs)
                #expect(row.script.counters.map(\.units) == script.counters.map(\.units))
                #expect(row.script.counters.map(\.counter.key) == script.counters.map(\.counter.key))
                #expect(row.script.counters.map(\.counter.kind) == script.counters.map(\.counter.kind))
                #expect(row.script.counters.map(\.counter.span) == script.counters.map(\.counter.span))
            }
            other.close()
            outbox.close()
        }
    }

    private struct NotReadable: Error {}

    @Test func `a batch is gone from the file, and makes room, once all of it is forgotten`() async throws {
        try await withTemporaryDirectory { directory in
            let outbox = try open(directory + "/a", limitBytes: 1_000)
            var tickets: [OutboxRow.Ticket] = []
            while outbox.problem == nil {
                tickets.append(outbox.add(Self.script(tickets.count), atMs: 5).ticket)
                // So that each is a batch of its own.
                await outbox.written(tickets[tickets.count - 1], on: MultiThreadedEventLoopGroup.singleton.any())
            }
            #expect(outbox.problem?.contains("full") == true && outbox.status.bytes >= 1_000)
            outbox.forget(Array(tickets.dropLast()))
            #expect(outbox.problem == nil && outbox.status.rows == 1)
            outbox.close()
            let again = try open(directory + "/a")
            #expect(again.status.rows == 1)
            #expect(try await again.file.rows(in: 1...99, count: 9).map(\.number) == [tickets.count])
            again.close()
        }
    }

    @Test func `settlements that were forgotten before they were written are not written later`() async throws {
        try await withTemporaryDirectory { directory in
            let outbox = try open(directory + "/a")
            for round in 0..<200 {
                let tickets = (0..<3).map { outbox.add(Self.script(3 * round + $0), atMs: 5).ticket }
                outbox.forget(tickets)
            }
            #expect(outbox.status.rows == 0 && outbox.status.bytes == 0)
            outbox.close()
            let again = try open(directory + "/a")
            #expect(again.status.rows == 0 && again.status.bytes == 0)
            again.close()
        }
    }

    @Test func `of a batch that cannot be read to its end the settlements before that are found`() async throws {
        try await withTemporaryDirectory { directory in
            let outbox = try open(directory + "/a")
            _ = outbox.add(Self.script(1), atMs: 5)
            outbox.close()
            let other = try DatabaseQueue(path: directory + "/a/outbox.db")
            try await other.writeWithoutTransaction { db in
                try db.execute(
                    sql: """
                        UPDATE batch SET count = 3, settlements = json_array(json_extract(settlements, '$[0]'), 5, 6)
                        """)
            }
            try other.close()
            let again = try open(directory + "/a")
            let found = try await again.file.rows(in: 1...3, count: 3)
            #expect(found.map(\.number) == [1, 2])
            guard case .row = found[0], case .unreadable(2, let why) = found[1] else { throw NotReadable() }
            #expect(why.contains("object"))
            again.close()
        }
    }

    /// Against a model that keeps every number.
    @Test func `a batch is gone with the last of its settlements, in whatever order they go`() {
        var random = SeededGenerator()
        for _ in 0..<200 {
            var batches = OutboxBatches()
            var (next, model): (Int, [Int: Set<Int>]) = (Int.random(in: 1..<5, using: &random), [:])
            for _ in 0..<Int.random(in: 1..<8, using: &random) {
                let first = next
                batches.append(first: first, count: 1, bytes: 10)
                next += 1
                for _ in 0..<Int.random(in: 0..<5, using: &random) {
                    batches.grow(by: 10)
                    next += 1
                }
                model[first] = Set(first..<next)
            }
            for number in model.values.joined().shuffled(using: &random) {
                guard let first = model.first(where: { $0.value.contains(number) })?.key else { continue }
                model[first]?.remove(number)
                let isLast = model[first]?.isEmpty == true
                #expect(batches.forget(number) == (isLast ? first : nil), "seed \(random.seed)")
            }
            #expect(batches.bytes == 0 && batches.all.isEmpty, "seed \(random.seed)")
            #expect(batches.forget(next) == nil)
        }
    }

    @Test func `while its file cannot be written nobody waits, nothing is admitted, and nothing is forgotten`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let outbox = try open(directory + "/a")
            let other = try DatabaseQueue(path: directory + "/a/outbox.db")
            try await other.write { try $0.execute(sql: "ALTER TABLE batch RENAME TO away") }
            let ticket = outbox.add(Self.script(1), atMs: 5).ticket
            await outbox.written(ticket, on: MultiThreadedEventLoopGroup.singleton.any())
            #expect(outbox.problem?.contains("cannot be written") == true)
            try await other.write { try $0.execute(sql: "ALTER TABLE away RENAME TO batch") }
            try await eventually {
                outbox.writeAgain()
                return outbox.problem == nil
            }
            #expect(try await outbox.file.rows(in: 1...99, count: 9).count == 1)
            outbox.close()
        }
    }

    @Test func `a directory that is not this node's own is refused with what to do`() async throws {
        try await withTemporaryDirectory { directory in
            func refusal(_ path: String) -> String {
                do throws(OutboxError) {
                    try Outbox(directory: path, logger: .silent).close()
                    return "none"
                } catch { return error.description }
            }
            let held = try open(directory + "/held")
            #expect(refusal(directory + "/held").contains("in use by another process"))
            held.close()
            #expect(
                refusal(directory + "/none/below")
                    == "outbox \(directory)/none/below cannot be made: No such file or directory")
            try "".write(toFile: directory + "/file", atomically: true, encoding: .utf8)
            #expect(refusal(directory + "/file").contains("is not a directory"))
            try FileManager.default.createSymbolicLink(
                atPath: directory + "/link", withDestinationPath: directory + "/held")
            #expect(refusal(directory + "/link").contains("a link is not followed"))
            try FileManager.default.createDirectory(atPath: directory + "/wide", withIntermediateDirectories: false)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory + "/wide")
            #expect(refusal(directory + "/wide").contains("chmod 700"))
            try FileManager.default.createDirectory(
                atPath: directory + "/linked", withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o700])
            try FileManager.default.createSymbolicLink(
                atPath: directory + "/linked/outbox.db", withDestinationPath: directory + "/held/outbox.db")
            #expect(refusal(directory + "/linked").contains("not a plain file"))
        }
    }

    @Test func `a damaged file is refused, kept, and the refusal says how to read it`() async throws {
        try await withTemporaryDirectory { directory in
            let outbox = try open(directory + "/a")
            for number in 0..<50 {
                _ = outbox.add(Self.script(number, event: "\"\(String(repeating: "e", count: 900))\""), atMs: 5)
            }
            outbox.close()
            let path = directory + "/a/outbox.db"
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            bytes.replaceSubrange(5_000..<9_000, with: Data(repeating: 0x5a, count: 4_000))
            try bytes.write(to: URL(fileURLWithPath: path))
            let error = #expect(throws: OutboxError.self) { try open(directory + "/a") }
            #expect(error?.description.contains("sqlite3 \(path) .recover") == true, "\(String(describing: error))")
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
        }
    }

    @Test(arguments: [1, 3]) func `a file of another version is refused`(version: Int) async throws {
        try await withTemporaryDirectory { directory in
            try open(directory + "/a").close()
            let other = try DatabaseQueue(path: directory + "/a/outbox.db")
            try await other.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = \(version)") }
            try other.close()
            let error = #expect(throws: OutboxError.self) { try open(directory + "/a") }
            #expect(error?.description.contains("has version \(version)") == true)
        }
    }
}
