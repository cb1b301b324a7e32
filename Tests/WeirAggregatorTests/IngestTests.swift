import Testing
import WeirCore
import WeirLedger
import WeirRedis
import WeirTestSupport

@testable import WeirAggregator

@Suite struct IngestTests {
    @Test func `events of all shards reach the ledger once, are acknowledged and trimmed`() async throws {
        try await TestDeployment.run { deployment in
            for number in 0..<100 {
                try await deployment.produce(event("e\(number)", team: "team-\(number % 20)", cost: number))
            }
            let aggregator = deployment.aggregator()
            let first = try await aggregator.ingest()
            #expect(first.ledger.inserted == 100)
            let second = try await aggregator.ingest()
            #expect(second.isEmpty)
            #expect(try await deployment.spent == (0..<100).reduce(0, +))
            for number in 0..<20 {
                #expect(try await deployment.streamLength(team: "team-\(number)") == 0)
                #expect(try await deployment.pendingCount(team: "team-\(number)") == 0)
            }
        }
    }

    @Test func `what was committed and not acknowledged is read again and adds nothing`() async throws {
        try await TestDeployment.run { deployment in
            let ledger = FaultyLedger(deployment.ledger)
            let aggregator = deployment.aggregator(ledger: ledger)
            try await deployment.produce(event("a", cost: 5), event("b", cost: 7))
            ledger.fail(.after(.failed("killed between COMMIT and XACK")))
            await #expect(throws: AggregatorError.self) { try await aggregator.ingest() }
            #expect(try await deployment.spent == 12)
            #expect(try await deployment.pendingCount() == 2)
            #expect(try await deployment.streamLength() == 2)
            // A new process of the same name: it finds what the other left.
            let report = try await deployment.aggregator().ingest()
            #expect(report.ledger == IngestResult(duplicates: 2))
            #expect(try await deployment.spent == 12)
            #expect(try await deployment.pendingCount() == 0)
            #expect(try await deployment.streamLength() == 0)
        }
    }

    @Test func `what could not be committed is neither acknowledged nor trimmed, and comes again`() async throws {
        try await TestDeployment.run { deployment in
            let ledger = FaultyLedger(deployment.ledger)
            let aggregator = deployment.aggregator(ledger: ledger) { $0.batchPerShard = 2 }
            for number in 0..<7 { try await deployment.produce(event("e\(number)")) }
            ledger.fail(.before(.full("no space")))
            for _ in 0..<3 {
                let error = await #expect(throws: AggregatorError.self) { try await aggregator.ingest() }
                #expect(error == .ledger(.full("no space")))
            }
            #expect(try await deployment.streamLength() == 7)
            ledger.fail(nil)
            while try await !aggregator.ingest().isEmpty {}
            #expect(try await deployment.spent == 7)
            #expect(try await deployment.streamLength() == 0)
        }
    }

    @Test
    func
        `in a backlog batches grow and the next is read ahead, and what was not committed comes again, to an heir, too`()
        async throws
    {
        try await TestDeployment.run { deployment in
            let count = 100
            for number in 0..<count { try await deployment.produce(event("e\(number)")) }
            let ledger = FaultyLedger(deployment.ledger)
            let aggregator = deployment.aggregator("dead", ledger: ledger) {
                $0.batchPerShard = 2
                $0.largestBatchPerShard = 8
            }
            var sizes: [Int] = []
            var ahead: [Int] = []
            for _ in 0..<4 {
                sizes.append(try await aggregator.ingest().entries)
                ahead.append(try await deployment.pendingCount())
            }
            #expect(sizes == [2, 4, 8, 8])
            #expect(ahead == [0, 8, 8, 8], "read ahead from the second full batch on, and not acknowledged")
            #expect(try await deployment.spent == 22)
            ledger.fail(.before(.full("no space")))
            await #expect(throws: AggregatorError.self) { try await aggregator.ingest() }
            #expect(try await deployment.streamLength() == count - 22)
            ledger.fail(nil)
            // What it had read comes again; and then it dies with a batch read ahead.
            var duplicates = 0
            for _ in 0..<10 { duplicates += try await aggregator.ingest().ledger.duplicates }
            #expect(duplicates == 0)
            #expect(try await deployment.pendingCount() > 0)
            let heir = deployment.aggregator("heir") { $0.claimAfter = .zero }
            try await eventually("takeover") {
                _ = try await heir.ingest()
                return try await deployment.spent == count
            }
            while try await !heir.ingest().isEmpty {}
            #expect(try await deployment.pendingCount() == 0)
            #expect(try await deployment.streamLength() == 0)
            #expect(try await deployment.ledger.verify() == [])
        }
    }

    @Test func `trim never removes what another consumer has not acknowledged`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.produce(event("a"), event("b"), event("c"), event("d"))
            let other = FaultyLedger(deployment.ledger)
            other.fail(.before(.busy("")))
            let stuck = deployment.aggregator("stuck", ledger: other) { $0.batchPerShard = 1 }
            await #expect(throws: AggregatorError.self) { try await stuck.ingest() }
            let aggregator = deployment.aggregator("two")
            while try await !aggregator.ingest().isEmpty {}
            #expect(try await deployment.spent == 3)
            #expect(try await deployment.pendingCount() == 1)
            #expect(try await deployment.streamLength() == 4, "the oldest entry is pending, so nothing below it may go")
            other.fail(nil)
            _ = try await stuck.ingest()
            #expect(try await deployment.spent == 4)
            #expect(try await deployment.streamLength() == 0)
        }
    }

    @Test func `F-A2: entries of a dead consumer are taken over`() async throws {
        try await TestDeployment.run { deployment in
            for number in 0..<5 { try await deployment.produce(event("e\(number)")) }
            let ledger = FaultyLedger(deployment.ledger)
            ledger.fail(.before(.failed("killed")))
            await #expect(throws: AggregatorError.self) {
                try await deployment.aggregator("dead", ledger: ledger).ingest()
            }
            let aggregator = deployment.aggregator("heir") { $0.claimAfter = .zero }
            try await eventually("takeover") {
                _ = try await aggregator.ingest()
                return try await deployment.spent == 5
            }
            #expect(try await deployment.pendingCount() == 0)
        }
    }

    @Test func `entries deleted before they were read raise an alarm and stop nothing`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.produce(event("a"), event("b"))
            let ledger = FaultyLedger(deployment.ledger)
            ledger.fail(.before(.failed("killed")))
            await #expect(throws: AggregatorError.self) { try await deployment.aggregator(ledger: ledger).ingest() }
            try await deployment.send("XTRIM", .string(RedisKeys.usage(Shard(of: "acme"))), "MAXLEN", "0")
            try await deployment.produce(event("c"))
            let aggregator = deployment.aggregator()
            var lost = 0
            try await eventually("new event") {
                lost += try await aggregator.ingest().lost
                return try await deployment.spent == 1
            }
            #expect(lost == 2)
            #expect(try await deployment.pendingCount() == 0)
        }
    }

    @Test func `F-A7: a deleted group or stream is made again from the beginning`() async throws {
        try await TestDeployment.run { deployment in
            let aggregator = deployment.aggregator()
            try await deployment.produce(event("a"))
            _ = try await aggregator.ingest()
            let key = RedisKeys.usage(Shard(of: "acme"))
            try await deployment.produce(event("b"), event("c"))
            try await deployment.send("XGROUP", "DESTROY", .string(key), "ledger")
            try await eventually("b and c") {
                _ = try await aggregator.ingest()
                return try await deployment.spent == 3
            }
            // The whole stream, and with it everything that Redis had.
            try await deployment.send("FLUSHALL")
            try await deployment.produce(event("d"))
            try await eventually("d") {
                _ = try await aggregator.ingest()
                return try await deployment.spent == 4
            }
            #expect(try await deployment.ledger.verify() == [])
            try FaultReport(
                "F-A7", invariant: "group or stream deleted: read again from 0, E1 E2", bound: "4 events, each once",
                measured: "\(try await deployment.spent) events"
            ).report()
        }
    }

    @Test func `F-A5: poison goes to the dead letters with its bytes and holds up nobody`() async throws {
        try await TestDeployment.run { deployment in
            let key = RedisArgument.string(RedisKeys.usage(Shard(of: "acme")))
            var unknown = String(decoding: event("x").json(), as: UTF8.self)
            unknown = unknown.replacing("completed", with: "exploded")
            var huge = event("x", cost: 1)
            huge.cost = MicroUSD(micros: .largestExact)
            let poison: [[UInt8]] = [
                Array("{".utf8), [], [0xff, 0xfe, 0], Array(unknown.utf8), huge.json(), Array("[1]".utf8),
            ]
            try await deployment.produce(event("a"))
            for bytes in poison { try await deployment.produce(json: bytes) }
            try await deployment.produce(json: [UInt8](repeating: 0x20, count: 1 << 20 + 1))
            try await deployment.send("XADD", key, "*", "other", "field")
            try await deployment.send("XADD", key, "*", "event", "{}", "and", "more")
            try await deployment.produce(event("b"))
            let aggregator = deployment.aggregator()
            let report = try await aggregator.ingest()
            #expect(report.ledger == IngestResult(inserted: 2, deadLetters: poison.count + 3))
            let letters = try await deployment.ledger.deadLetters(limit: 100)
            #expect(Set(letters.map(\.raw)).isSuperset(of: poison))
            #expect(letters.allSatisfy { $0.stream == RedisKeys.usage(Shard(of: "acme")) && !$0.error.isEmpty })
            #expect(letters.map(\.raw.count).max() == 1 << 20)
            #expect(try await deployment.pendingCount() == 0)
            #expect(try await deployment.streamLength() == 0)
            try FaultReport(
                "F-A5", invariant: "poison is kept as it is and holds up nobody, E1",
                bound: "\(poison.count + 3) dead letters, 2 events",
                measured: "\(report.ledger.deadLetters) dead letters, \(report.ledger.inserted) events"
            ).report()
        }
    }

    @Test func `the same event under other stream ids is written once, an orphan gives way to the final one`()
        async throws
    {
        try await TestDeployment.run { deployment in
            let aggregator = deployment.aggregator()
            try await deployment.produce(event("a", cost: 3, outcome: .orphaned), event("b", cost: 10))
            _ = try await aggregator.ingest()
            try await deployment.produce(
                event("a", cost: 5), event("b", cost: 10), event("a", cost: 3, outcome: .orphaned))
            let report = try await aggregator.ingest()
            #expect(report.ledger == IngestResult(replaced: 1, duplicates: 2))
            #expect(try await deployment.spent == 15)
        }
    }

    @Test func `F-D1: the whole stream delivered again, in another order, changes nothing`() async throws {
        var random = SeededGenerator()
        let count = FaultReport.rounds(300, full: 10_000)
        try await TestDeployment.run { deployment in
            let events = (0..<count).map { number in
                event(
                    "e\(number)", team: "team-\(number % 7)", cost: Int.random(in: 0...1_000, using: &random),
                    outcome: number.isMultiple(of: 9) ? .orphaned : .completed)
            }
            for event in events { try await deployment.produce(event) }
            let aggregator = deployment.aggregator()
            while try await !aggregator.ingest().isEmpty {}
            let spent = try await deployment.spent
            #expect(spent == events.reduce(0) { $0 + $1.cost.micros })
            var again = IngestResult()
            for _ in 0..<2 {
                for event in events.shuffled(using: &random) { try await deployment.produce(event) }
                while true {
                    let report = try await aggregator.ingest()
                    if report.isEmpty { break }
                    again.duplicates += report.ledger.duplicates
                    again.inserted += report.ledger.inserted
                    again.replaced += report.ledger.replaced
                }
            }
            #expect(again == IngestResult(duplicates: 2 * count), "seed \(random.seed)")
            #expect(try await deployment.spent == spent, "seed \(random.seed)")
            #expect(try await deployment.ledger.verify() == [])
            try FaultReport(
                "F-D1", invariant: "everything delivered again, twice, in any order: ledger unchanged, E2",
                bound: "0 rows added or changed",
                measured: "\(again.inserted + again.replaced) of \(again.duplicates), seed \(random.seed)"
            ).report()
        }
    }

    @Test func `F-A6: while no aggregator runs events wait, none is trimmed, and all are written afterwards`()
        async throws
    {
        let count = FaultReport.rounds(2_000, full: 50_000)
        try await TestDeployment.run { deployment in
            try await deployment.apply()
            let aggregator = deployment.aggregator()
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            // It is gone. Nodes go on.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<16 {
                    group.addTask {
                        for number in stride(from: worker, to: count, by: 16) {
                            try await deployment.produce(event("e\(number)"))
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await deployment.streamLength() == count)
            #expect(try await deployment.score("acme") == nil, "limits by the ledger are as old as the ledger")
            let heir = deployment.aggregator("heir")
            let start = ContinuousClock.now
            while try await !heir.ingest().isEmpty {}
            let seconds = start.duration(to: .now) / .milliseconds(1)
            #expect(try await deployment.spent == count)
            #expect(try await deployment.streamLength() == 0)
            #expect(try await deployment.ledger.verify() == [])
            try await deployment.send("DEL", .string(RedisKeys.leader))
            try await heir.lead()
            #expect(try await deployment.score("acme") == "\(monthEndS)", "then they act")
            try FaultReport(
                "F-A6", invariant: "aggregator down: nothing trimmed, all written afterwards, E1 L1",
                bound: "\(count) events", measured: "\(count) waited, written in \(Int(seconds)) ms"
            ).report()
        }
    }
}
