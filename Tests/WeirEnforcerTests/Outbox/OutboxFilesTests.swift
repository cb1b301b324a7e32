import Foundation
import Logging
import NIOCore
import NIOPosix
import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

@Suite struct OutboxFilesTests {
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
            let found = try await other.rows(in: 1...1000, count: 1000)
            #expect(found.count == 100, "seed \(random.seed)")
            for (row, script) in zip(found, scripts) {
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

    private static let loop = MultiThreadedEventLoopGroup.singleton.any()

    /// Texts of a directory's segments.
    private func segments(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasPrefix("settlements-") }.sorted()
    }

    @Test func `a full outbox says so, and has room again when enough is forgotten`() async throws {
        try await withTemporaryDirectory { directory in
            let outbox = try open(directory + "/a", limitBytes: 100_000)
            var tickets: [OutboxRow.Ticket] = []
            while outbox.problem == nil { tickets.append(outbox.add(Self.script(tickets.count), atMs: 5).ticket) }
            #expect(outbox.problem?.contains("full") == true && outbox.status.bytes >= 100_000)
            outbox.forget(Array(tickets.dropLast()))
            #expect(outbox.problem == nil && outbox.status.rows == 1 && outbox.status.bytes < 1_000)
            outbox.forget(tickets)
            #expect(
                outbox.status
                    == Outbox.Status(rows: 0, bytes: 0, limitBytes: 100_000, oldestAtMs: nil, problem: nil))
            outbox.close()
            #expect(try segments(directory + "/a").isEmpty)
        }
    }

    @Test func `rows that stay and keep their files fill the outbox, too`() async throws {
        try await withTemporaryDirectory { directory in
            let outbox = try open(directory + "/a", limitBytes: 100_000)
            let event = "\"\(String(repeating: "e", count: 50_000))\""
            var stay: [OutboxRow.Ticket] = []
            while outbox.problem == nil {
                stay.append(outbox.add(Self.script(0), atMs: 5).ticket)
                let others = (0..<20).map { outbox.add(Self.script($0, event: event), atMs: 5).ticket }
                await outbox.written(others[19], on: Self.loop)
                outbox.forget(others)
            }
            #expect(outbox.status.bytes < 100_000, "\(outbox.status)")
            #expect(stay.count == outbox.status.rows && stay.count < 40, "\(stay.count) \(outbox.status)")
            outbox.forget(stay)
            #expect(outbox.problem == nil)
            outbox.close()
        }
    }

    @Test func `files are used again when all in them is forgotten, whatever is added meanwhile`() async throws {
        try await withTemporaryDirectory { directory in
            let outbox = try open(directory + "/a")
            var random = SeededGenerator()
            var kept: [Int: (OutboxRow.Ticket, EndScript)] = [:]
            var added = 0
            for round in 0..<400 {
                for _ in 0..<Int.random(in: 1..<40, using: &random) {
                    let event = "\"\(String(repeating: "e", count: Int.random(in: 0..<4_000, using: &random)))\""
                    let script = Self.script(added, event: event, shard: Int.random(in: 0..<16, using: &random))
                    let ticket = outbox.add(script, atMs: 5).ticket
                    added += 1
                    kept[ticket.number] = (ticket, script)
                }
                // Nearly in the order in which they were added, and now and then all of them.
                let all = kept.keys.sorted()
                let going =
                    round % 20 == 7
                    ? all
                    : all.dropLast(Int.random(in: 0..<300, using: &random)).filter { _ in
                        Int.random(in: 0..<9, using: &random) > 0
                    }
                outbox.forget(going.compactMap { kept.removeValue(forKey: $0)?.0 })
                if round % 10 == 0 {
                    try await outbox.files.wait { Result { () throws(OutboxError) in try outbox.keepUpFiles() } }
                }
            }
            for (ticket, _) in kept.values { await outbox.written(ticket, on: Self.loop) }
            let note = "seed \(random.seed)"
            #expect(outbox.status.rows == kept.count)
            let found = try await outbox.rows(kept.keys.shuffled(using: &random))
            #expect(Set(found.map(\.number)) == Set(kept.keys), "\(note)")
            for row in found { #expect(row.script.event == kept[row.number]?.1.event, "\(note)") }
            #expect(try segments(directory + "/a").count < 60, "of \(added) settlements of 2 KB, \(note)")
            // As after kill -9: what is kept is found, and maybe what was forgotten last.
            try FileManager.default.copyItem(atPath: directory + "/a", toPath: directory + "/b")
            let other = try open(directory + "/b")
            let ids = try await Set(other.rows(in: 1...100_000, count: 100_000).map(\.script.id))
            #expect(ids.isSuperset(of: kept.values.map(\.1.id)), "\(note)")
            other.close()
            outbox.forget(kept.values.map(\.0))
            outbox.close()
            #expect(try segments(directory + "/a").isEmpty, "\(note)")
        }
    }

    @Test func `what was forgotten a while ago is not found by a process that starts after a kill`() async throws {
        try await withTemporaryDirectory { directory in
            let outbox = try open(directory + "/a")
            for number in 0..<5 { outbox.forget([outbox.add(Self.script(number), atMs: 5).ticket]) }
            try await outbox.files.wait { Result { () throws(OutboxError) in try outbox.keepUpFiles() } }
            try FileManager.default.copyItem(atPath: directory + "/a", toPath: directory + "/b")
            let other = try open(directory + "/b")
            #expect(other.status.rows == 0)
            other.close()
            outbox.close()
        }
    }

    @Test func `a settlement longer than a file has a longer one`() async throws {
        try await withTemporaryDirectory { directory in
            let outbox = try open(directory + "/a")
            let event = "\"\(String(repeating: "e", count: 3 * OutboxSegment.standardBytes))\""
            let tickets = [Self.script(1), Self.script(2, event: event), Self.script(3)].map {
                outbox.add($0, atMs: 5).ticket
            }
            for ticket in tickets { await outbox.written(ticket, on: Self.loop) }
            #expect(try await outbox.rows(tickets.map(\.number)).map(\.script.event.count) == [2, event.utf8.count, 2])
            outbox.forget(tickets)
            outbox.close()
            #expect(try segments(directory + "/a").isEmpty)
        }
    }

    @Test func `of many threads that add at once nothing is lost`() async throws {
        try await withTemporaryDirectory { directory in
            let outbox = try open(directory + "/a")
            await withTaskGroup { group in
                for task in 0..<8 {
                    group.addTask {
                        for number in 0..<1_000 {
                            let ticket = outbox.add(Self.script(task * 1_000 + number), atMs: 5).ticket
                            await outbox.written(ticket, on: Self.loop)
                        }
                    }
                }
            }
            let found = try await outbox.rows(in: 1...8_000, count: 8_000)
            #expect(found.map(\.number) == Array(1...8_000))
            #expect(Set(found.map(\.script.id)).count == 8_000)
            outbox.close()
        }
    }

    @Test func `while its files cannot be written nobody waits, nothing is admitted, and nothing is forgotten`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let outbox = try open(directory + "/a")
            try FileManager.default.moveItem(atPath: directory + "/a", toPath: directory + "/away")
            let event = "\"\(String(repeating: "e", count: 100_000))\""
            // More than the files that are there can take.
            var tickets: [OutboxRow.Ticket] = []
            while tickets.count < 60 {
                tickets.append(outbox.add(Self.script(tickets.count, event: event), atMs: 5).ticket)
            }
            for ticket in tickets { await outbox.written(ticket, on: Self.loop) }
            #expect(outbox.problem?.contains("cannot be written") == true && outbox.status.rows == 60)
            try FileManager.default.moveItem(atPath: directory + "/away", toPath: directory + "/a")
            try await outbox.files.wait { Result { () throws(OutboxError) in try outbox.keepUpFiles() } }
            #expect(outbox.problem == nil)
            #expect(try await outbox.rows(in: 1...99, count: 99).map(\.number) == tickets.map(\.number))
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
                atPath: directory + "/linked/settlements-3.00000001", withDestinationPath: directory + "/file")
            #expect(refusal(directory + "/linked").contains("cannot be opened"))
            #expect(try String(contentsOfFile: directory + "/file", encoding: .utf8) == "")
        }
    }

    /// An outbox that was closed with fifty settlements in it. Returns the path of their file.
    private func fiftyKept(_ path: String) throws -> String {
        let outbox = try open(path)
        for number in 0..<50 {
            _ = outbox.add(Self.script(number, event: "\"\(String(repeating: "e", count: 900))\""), atMs: 5)
        }
        outbox.close()
        return path + "/settlements-3.00000001"
    }

    @Test func `a damaged file is refused, kept, and the refusal says what to do`() async throws {
        try await withTemporaryDirectory { directory in
            let path = try fiftyKept(directory + "/a")
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            bytes.replaceSubrange(5_000..<9_000, with: Data(repeating: 0x5a, count: 4_000))
            try bytes.write(to: URL(fileURLWithPath: path))
            let error = #expect(throws: OutboxError.self) { try open(directory + "/a") }
            #expect(error?.description.contains("\(path) is damaged: line 5") == true, "\(String(describing: error))")
            #expect(error?.description.contains("mend or take out that line") == true)
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
        }
    }

    @Test func `pages that a power failure took cost their lines, and no others`() async throws {
        try await withTemporaryDirectory { directory in
            let path = try fiftyKept(directory + "/a")
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            let whole = bytes.split(separator: UInt8(ascii: "\n")).dropLast()
            bytes.replaceSubrange(8_192..<12_288, with: Data(repeating: 0, count: 4_096))
            let left = bytes.split(separator: UInt8(ascii: "\n")).filter { whole.contains($0) }.count
            try bytes.write(to: URL(fileURLWithPath: path))
            let again = try open(directory + "/a")
            #expect(left < 48 && left > 40)
            #expect(again.status.rows == left)
            #expect(try await again.rows(in: 1...50, count: 50).count == left)
            again.close()
        }
    }

    @Test(arguments: ["outbox.db", "settlements-4.00000001", "settlements-3.x"])
    func `a file of another version is refused`(name: String) async throws {
        try await withTemporaryDirectory { directory in
            try open(directory + "/a").close()
            try "".write(toFile: directory + "/a/\(name)", atomically: true, encoding: .utf8)
            let error = #expect(throws: OutboxError.self) { try open(directory + "/a") }
            #expect(error?.description.contains("\(name) was written by another version") == true)
        }
    }
}
