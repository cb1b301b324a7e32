import Testing
import WeirTestSupport

@testable import WeirCommands

@Suite struct RebuildBenchTests {
    @Test func `the bench measures a rebuild that put every budget back`() async throws {
        try await withTemporaryDirectory { directory in
            try await withRedis { server in
                let report = try await RebuildBench(events: 500, teams: 10, users: 50)
                    .run(redisURL: server.url, ledgerPath: directory + "/weir.db")
                #expect(report.budgets == 60)
                #expect(report.rebuildMs >= report.graceMs, "it waited for announcements")
            }
        }
    }
}
