import Foundation
import GRDB
import Logging
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
                let event = String(repeating: "ü\"x\\", count: Int.random(in: 0..<200, using: &random))
                scripts.append(Self.script(number, event: event, shard: Int.random(in: 0..<16, using: &random)))
            }
            var tickets: [OutboxRow.Ticket] = []
            for script in scripts { tickets.append(outbox.add(script, atMs: 5).ticket) }
            for ticket in tickets { await outbox.written(ticket) }
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

    @Test func `a forgotten row is gone from the file, and makes room`() async throws {
        try await withTemporaryDirectory { directory in
            let outbox = try open(directory + "/a", limitBytes: 1_000)
            var tickets: [OutboxRow.Ticket] = []
            while outbox.problem == nil { tickets.append(outbox.add(Self.script(tickets.count), atMs: 5).ticket) }
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

    @Test func `while its file cannot be written nobody waits, nothing is admitted, and nothing is forgotten`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let outbox = try open(directory + "/a")
            let other = try DatabaseQueue(path: directory + "/a/outbox.db")
            try await other.write { try $0.execute(sql: "ALTER TABLE settlement RENAME TO away") }
            let ticket = outbox.add(Self.script(1), atMs: 5).ticket
            await outbox.written(ticket)
            #expect(outbox.problem?.contains("cannot be written") == true)
            try await other.write { try $0.execute(sql: "ALTER TABLE away RENAME TO settlement") }
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
                _ = outbox.add(Self.script(number, event: String(repeating: "e", count: 900)), atMs: 5)
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

    @Test func `a file of a newer version is refused`() async throws {
        try await withTemporaryDirectory { directory in
            try open(directory + "/a").close()
            let other = try DatabaseQueue(path: directory + "/a/outbox.db")
            try await other.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = 2") }
            try other.close()
            let error = #expect(throws: OutboxError.self) { try open(directory + "/a") }
            #expect(error?.description.contains("has version 2") == true)
        }
    }

    @Test(arguments: [[], [3], [1, 2, 3], [5, 1, 2, 9, 4]])
    func `numbers are forgotten in ranges`(numbers: [Int]) {
        #expect(numbers.ranges.flatMap { Array($0) } == numbers.sorted())
        #expect([1, 2, 4, 5, 9].ranges == [1...2, 4...5, 9...9])
    }
}
