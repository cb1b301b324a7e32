import Testing
import WeirLedger
import WeirRedis
import WeirTestSupport

@testable import WeirCommands

@Suite struct IngestBenchTests {
    @Test func `the bench measures events that reached the ledger and left Redis`() async throws {
        try await withTemporaryDirectory { directory in
            try await withRedis { server in
                let report = try await IngestBench(events: 300, teams: 5, users: 20, rounds: 1)
                    .run(redisURL: server.url, directory: directory)
                for figure in [report.ingest, report.plain] { #expect(figure.rate > 0 && figure.micros > 0) }
                #expect(report.batch > 1)
                let ledger = try LedgerURL("sqlite:\(directory)/weir.db").open()
                #expect(try await ledger.recordedDays() != nil)
                #expect(try await ledger.verify() == [])
                try await ledger.close()
                for shard in Shard.all(count: Shard.defaultCount) {
                    #expect(try await server.send(["XLEN", .string(RedisKeys.usage(shard))]) == .integer(0))
                }
            }
        }
    }
}
