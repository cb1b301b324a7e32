import ArgumentParser
import Foundation
import Synchronization
import Testing
import WeirAdmin
import WeirCore
import WeirLedger
import WeirRedis
import WeirTestSupport

@testable import WeirCommands

/// Runs `body` with an aggregator and its admin API, and with an environment that points to them.
func withAggregator(_ body: (String, any AdminLedger, RedisServer) async throws -> Void) async throws {
    try await withRedis { redis in
        try await withTemporaryDirectory { directory in
            let policy = directory + "/policy.yaml"
            try policyText.write(toFile: policy, atomically: true, encoding: .utf8)
            let environment = ["WEIR_ADMIN_TOKEN": "token-of-the-tests", "USER": "ann"]
            let settings = try Setting.$environment.withValue(environment) {
                try AggregatorCommand.parse([
                    "--listen", "127.0.0.1:0", "--redis", redis.url(as: .aggregator), "--ledger",
                    "sqlite:\(directory)/weir.db",
                    "--policy", policy,
                ]).settings()
            }
            let url = Mutex("")
            let process = Task {
                try await AggregatorProcess(settings: settings).run { address in url.withLock { $0 = address } }
            }
            do {
                try await eventually("the aggregator is ready") { url.withLock { !$0.isEmpty } }
                try await eventually("the first policy is published") {
                    try await redis.send(["EXISTS", .string(RedisKeys.policy)]) == .integer(1)
                }
                var environment = environment
                environment["WEIR_ADMIN_URL"] = url.withLock { $0 }
                let ledger = try LedgerURL("sqlite:\(directory)/weir.db").open()
                try await Setting.$environment.withValue(environment) { try await body(directory, ledger, redis) }
                try await ledger.close()
            } catch {
                process.cancel()
                _ = await process.result
                throw error
            }
            process.cancel()
            _ = await process.result
        }
    }
}

let policyText = """
    products: { slack_app: { class: ai, billable: true, resource: ai_credits, aliases: [slack-bot] } }
    classes: { ai: {} }
    limits: [{ id: calls, per: user, unit: requests, window: 60s, amount: "${CALLS:-5}" }]
    """
