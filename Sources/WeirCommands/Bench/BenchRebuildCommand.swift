import ArgumentParser
import Foundation
import Logging

/// `weir bench rebuild`.
struct BenchRebuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "How long it takes until a Redis that has lost everything admits again.",
        discussion: """
            Fills a ledger of its own with events of this month, starts a private redis-server, empties it, and lets the \
            aggregator's own steps put everything back: policy, limited teams, and a budget for each user and team.

              weir bench rebuild --events 1000000 --teams 10000 --users 100000
            """)

    @Option(help: "Events in the ledger.")
    var events = 1_000_000

    @Option(help: "Teams that they are of.")
    var teams = 10_000

    @Option(help: "Users that they are of.")
    var users = 100_000

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard (1...100_000_000).contains(events), (1...users).contains(teams), (1...events).contains(users) else {
            throw ValidationError("--events 1…100000000, not more --users than --events, nor more --teams than --users")
        }
    }

    func run() async throws {
        do {
            LoggingSystem.bootstrap(level: .error)
            let bench = RebuildBench(events: events, teams: teams, users: users)
            let directory = try PrivateRedis.privateDirectory()
            // What was measured stands, also if the directory cannot be removed.
            defer { try? FileManager.default.removeItem(atPath: directory) }
            let report = try await PrivateRedis.with(persistent: false) {
                try await bench.run(redisURL: $0.url, ledgerPath: directory + "/weir.db")
            }
            print(json ? try report.json() : report.text)
        } catch {
            throw failure(error)
        }
    }
}
