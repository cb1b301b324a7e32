import Testing
import WeirRedis
import WeirTestSupport

@testable import WeirCommands

@Suite struct AdmitBenchTests {
    @Test func `the bench measures decisions that were really made`() async throws {
        try await withRedis { server in
            let report = try await AdmitBench(connections: 2, pipeline: 4, operations: 600, rounds: 1)
                .run(redisURL: server.url)
            for figure in [report.floor, report.admit, report.settle] { #expect(figure.rate > 0) }
            // It cleans up what it made: no call is left, none waits for the ledger.
            #expect(try await server.send(["EXISTS", "weir:{00}:reservations", "weir:{00}:usage"]) == .integer(0))
        }
    }

    @Test func `the bench gives all its users counters before it measures`() async throws {
        try await withRedis { server in
            let report = try await AdmitBench(connections: 1, pipeline: 4, operations: 100, rounds: 1, subjects: 250)
                .run(redisURL: server.url)
            #expect(report.subjects == 250)
            for number in [0, 249] {
                let name = "weir:{00}:window:ai-calls:user:acme/u\(number)"
                #expect(try await server.send(["EXISTS", .string(name)]) == .integer(1))
            }
        }
    }
}
