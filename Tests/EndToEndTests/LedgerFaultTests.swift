import Foundation
import Testing
import WeirTestSupport

extension EndToEnd.Faults {
    /// The ledger's disk and file fail; the gateways go on, and the books are right afterwards.
    @Suite struct LedgerFaultTests {
        @Test func `F-S2: an aggregator whose disk refuses a write ends, and the next one writes every call once`()
            async throws
        {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "disk", user: "dora")
            // Its own process, so that its exit code can be seen.
            try await stack.replaceAggregator()
            let template = try Replacements.Template(pid: stack.pid("aggregator"))
            let aggregator = try #require(stack.replacements.program("aggregator"))
            // From here on none of its files can be written beyond one page: the kernel refuses, as a failing disk would.
            let bounded = try await Program.run("prlimit", ["--pid", "\(aggregator.pid)", "--fsize=4096"])
            try #require(bounded.status == 0, "\(bounded.errors)")
            var made: [MadeCall] = []
            for _ in 0..<20 {
                let answer = try await stack.call(person)
                #expect(answer.status == 200, "gateways do not need the ledger")
                made.append(MadeCall(person: person, request: answer.request))
            }
            #expect(await aggregator.end() == 1, "\(aggregator.log)")
            #expect(aggregator.log.contains("disk"), "\(aggregator.log)")
            try await stack.replacements.start("aggregator", template, readyMark: "weir aggregator ready: ")
            try await stack.expectAccountsToMatchWitness(made)
            try FaultReport(
                "F-S2", invariant: "the disk refuses writes: the process ends, a new one has all, E1",
                bound: "\(made.count) calls, exit 1", measured: "\(made.count) calls, exit 1"
            ).report()
        }

        @Test func `F-S3: an aggregator with a damaged ledger does not start, says what to do, and changes no limit`()
            async throws
        {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "damage", user: "dan")
            let path = stack.dev.directory + "/damaged.db"
            try await stack.redisCLI("ZADD", "weir:quota-limits:ai_credits", "4102444800", "somebody")
            let header = Data("SQLite format 3\0".utf8)
            try (header + Data((0..<100_000).map { _ in UInt8.random(in: 0...255) })).write(
                to: URL(fileURLWithPath: path))
            let finished = try await Program.run(
                Program.weir,
                [
                    "aggregator", "--listen", "127.0.0.1:0", "--redis", stack.ready.redis, "--ledger", "sqlite:" + path,
                    "--name", "damaged",
                ])
            #expect(finished.status == 1)
            #expect(finished.errors.contains("backup") && finished.errors.contains(".recover"), "\(finished.errors)")
            #expect(try await stack.redisCLI("ZSCORE", "weir:quota-limits:ai_credits", "somebody") == "4102444800")
            #expect(try await stack.call(person).status == 200)
            try await stack.redisCLI("ZREM", "weir:quota-limits:ai_credits", "somebody")
            try FaultReport(
                "F-S3", invariant: "damaged ledger: no start, advice, limits as they were, gateways go on, L1 C1",
                bound: "exit 1, 0 limits changed", measured: "exit \(finished.status), 0 limits changed"
            ).report()
        }
    }
}
