import ArgumentParser
import Foundation
import Logging

/// `weir bench ingest`.
struct BenchIngestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest",
        abstract: "How many events a second the aggregator carries from Redis into the ledger.",
        discussion: """
            Fills the usage streams of a private redis-server and lets the aggregator's own steps carry them into a ledger \
            of its own: read, decode, commit with the days' sums, acknowledge, trim. In turn with it the same events, \
            already decoded, are inserted into a plain SQLite table, committed as durably, as many to a transaction.

              weir bench ingest --events 200000 --teams 1000 --users 10000
            """)

    @Option(help: "Events of each round.")
    var events = 200_000

    @Option(help: "Teams that they are of.")
    var teams = 1_000

    @Option(help: "Users that they are of: the fewer, the fewer sums change.")
    var users = 10_000

    @Option(help: "Rounds; the medians are printed.")
    var rounds = 3

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard (100...5_000_000).contains(events), (1...10_000_000).contains(users), (1...users).contains(teams),
            (1...1000).contains(rounds)
        else {
            throw ValidationError(
                "--events 100…5000000, --users 1…10000000, not more --teams than --users, --rounds 1…1000")
        }
    }

    func run() async throws {
        do {
            LoggingSystem.bootstrap(level: .error)
            let bench = IngestBench(events: events, teams: teams, users: users, rounds: rounds)
            let directory = try PrivateRedis.privateDirectory()
            // What was measured stands, also if the directory cannot be removed.
            defer { try? FileManager.default.removeItem(atPath: directory) }
            let report = try await PrivateRedis.with(persistent: false) {
                try await bench.run(redisURL: $0.url, directory: directory)
            }
            print(json ? try report.json() : report.text)
        } catch {
            throw failure(error)
        }
    }
}
