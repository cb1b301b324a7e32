import ArgumentParser
import Foundation
import Logging

/// `weir bench admit`.
struct BenchAdmitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admit",
        abstract: "Full decisions (admit and settle, three limits) beside Redis's floor (EVALSHA of `return 1`).",
        discussion: """
            Starts a private redis-server, unless --redis names one, and drives it through the real client: the same \
            connections, the same number of calls on their way. The limits are a sliding window of requests, a day's tokens \
            and a month's money. Redis's CPU time is read from INFO. A Redis that is named is written to: keys of weir:{00}.

              weir bench admit --pipeline 16 --rounds 7
            """)

    @Option(help: "A Redis to measure instead of a private one.")
    var redis: String?

    @Option(help: "Connections, one event loop each.")
    var connections = 1

    @Option(help: "Calls on their way on each connection.")
    var pipeline = 16

    @Option(help: "Operations per measurement.")
    var operations = 20_000

    @Option(help: "Users whose calls they are, in turn; all have counters before it is measured.")
    var subjects = 1

    @Option(help: "Rounds; the medians are printed.")
    var rounds = 5

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard (1...64).contains(connections), (1...4096).contains(pipeline), (100...10_000_000).contains(operations),
            (1...1000).contains(rounds), (1...10_000_000).contains(subjects)
        else {
            throw ValidationError(
                """
                --connections 1…64, --pipeline 1…4096, --operations 100…10000000, --rounds 1…1000, \
                --subjects 1…10000000
                """)
        }
    }

    func run() async throws {
        do {
            LoggingSystem.bootstrap(level: .error)
            let bench = AdmitBench(
                connections: connections, pipeline: pipeline, operations: operations, rounds: rounds,
                subjects: subjects)
            let report: AdmitBench.Report
            if let redis {
                report = try await bench.run(redisURL: redis)
            } else {
                report = try await PrivateRedis.with(persistent: false) { try await bench.run(redisURL: $0.url) }
            }
            print(json ? try report.json() : report.text)
        } catch {
            throw failure(error)
        }
    }
}
