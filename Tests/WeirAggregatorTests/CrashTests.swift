import Testing
import WeirCore
import WeirLedger
import WeirRedis
import WeirTestSupport

@testable import WeirAggregator

/// Cancelling a task in the middle of whatever it does resembles `kill -9`: the next one starts with nothing but Redis and
/// the ledger. (Whole processes are killed in EndToEndTests.)
@Suite struct CrashTests {
    @Test func `an aggregator that is cut short at random moments loses nothing and counts nothing twice`()
        async throws
    {
        var random = SeededGenerator()
        let rounds = FaultReport.rounds(40, full: 400)
        try await TestDeployment.run { deployment in
            var expected = 0
            for round in 0..<rounds {
                for number in 0..<25 {
                    let cost = Int.random(in: 0...1_000, using: &random)
                    expected += cost
                    try await deployment.produce(event("\(round)-\(number)", team: "team-\(number % 7)", cost: cost))
                }
                let batch = Int.random(in: 1...20, using: &random)
                let aggregator = deployment.aggregator(["one", "two"].randomElement(using: &random)!) {
                    $0.batchPerShard = batch
                    $0.claimAfter = .zero
                }
                let work = Task { while true { _ = try await aggregator.ingest() } }
                try await Task.sleep(for: .microseconds(Int.random(in: 0...8_000, using: &random)))
                work.cancel()
                _ = await work.result
                #expect(try await deployment.spent <= expected, "seed \(random.seed)")
            }
            let last = deployment.aggregator("three") { $0.claimAfter = .zero }
            let total = expected
            try await eventually("all events, seed \(random.seed)") {
                _ = try await last.ingest()
                return try await deployment.spent == total
            }
            #expect(try await deployment.ledger.verify() == [], "seed \(random.seed)")
            // What was committed and not acknowledged comes again, changes nothing, and then all is gone.
            try await eventually("empty streams, seed \(random.seed)") { try await last.ingest().isEmpty }
            #expect(try await deployment.spent == total, "seed \(random.seed)")
            for number in 0..<7 {
                #expect(try await deployment.pendingCount(team: "team-\(number)") == 0, "seed \(random.seed)")
                #expect(try await deployment.streamLength(team: "team-\(number)") == 0, "seed \(random.seed)")
            }
        }
    }

    @Test func `F-A3: five aggregators at once, two of one name, write the same sums as one`() async throws {
        try await TestDeployment.run { deployment in
            let names = ["one", "two", "two", "three", "four"]
            let events = (0..<600).map { event("e\($0)", team: "team-\($0 % 9)", cost: $0) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for name in names {
                    let aggregator = deployment.aggregator(name) { $0.batchPerShard = 5 }
                    group.addTask {
                        try await eventually("all events", within: .seconds(30)) {
                            _ = try await aggregator.ingest()
                            return try await deployment.spent == (0..<600).reduce(0, +)
                        }
                        _ = try await aggregator.ingest()
                    }
                }
                for event in events { try await deployment.produce(event) }
                try await group.waitForAll()
            }
            #expect(try await deployment.ledger.verify() == [])
            let rows = try await deployment.ledger.spend(
                by: .everybody, in: DayRange(Period.day.containing(ms: noonMs)), of: .all)
            #expect(rows.first?.totals.calls == 600)
            try FaultReport(
                "F-A3", invariant: "five aggregators write the same sums as one", bound: "0 micro-dollars off",
                measured: "\(try await deployment.spent - (0..<600).reduce(0, +)) micro-dollars off"
            ).report()
        }
    }

    @Test func `a running aggregator works through a Redis that goes away, and ends when it is cancelled`() async throws
    {
        try await TestDeployment.run(arguments: ["--appendonly", "yes", "--appendfsync", "always"]) { deployment in
            try await deployment.apply(credits: 10)
            let aggregator = deployment.aggregator {
                $0.redisDeadline = .milliseconds(200)
                $0.leaderLease = .seconds(3)
            }
            let work = Task { try await aggregator.run() }
            try await deployment.produce(event("a", cost: 4))
            try await eventually("first event") { try await deployment.spent == 4 }
            try await deployment.restartRedis()
            try await deployment.produce(event("b", cost: 6))
            try await eventually("second event") { try await deployment.spent == 10 }
            try await eventually("limited", within: .seconds(30)) {
                try await deployment.score("acme") == "\(monthEndS)"
            }
            work.cancel()
            try await work.value
            #expect(try await deployment.send("EXISTS", .string(RedisKeys.leader)) == .integer(0), "it resigned")
        }
    }

    @Test func `F-S2: a running aggregator ends when its ledger's disk fails, and acknowledges nothing`() async throws {
        try await TestDeployment.run { deployment in
            let ledger = FaultyLedger(deployment.ledger)
            let aggregator = deployment.aggregator(ledger: ledger)
            ledger.fail(.before(.io("fsync")))
            try await deployment.produce(event("a"))
            let error = await #expect(throws: AggregatorError.self) { try await aggregator.run() }
            #expect(error == .ledger(.io("fsync")))
            #expect(try await deployment.pendingCount() == 1)
            // A new process of the same name opens the ledger anew.
            #expect(try await deployment.aggregator().ingest().ledger.inserted == 1)
        }
    }
}
