import ArgumentParser
import WeirAdmin

/// `weir status`.
struct StatusCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows who leads, what is ready and what waits.",
        discussion: """
            The leading aggregator with its fencing token, shards that are ready, usage events on their way to the ledger, the \
            ledger's revision and the one that Redis has, the kill switch, and Redis itself. weir doctor says what is wrong \
            and what to do.

              weir status --json
            """)

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        let (status, json) = try await client.send(.get, ["status"], as: StatusAnswer.self)
        return Report(text: Self.text(status), json: json)
    }

    static func text(_ status: StatusAnswer) -> String {
        let leader =
            status.leader.map { "\($0.name), token \($0.token), since \(timeText(unixSeconds: $0.since))" } ?? "nobody"
        var shards = "\(status.shards.ready) of \(status.shards.count) ready"
        if !status.shards.notReady.isEmpty {
            shards += "; not ready, so nothing of them is admitted: \(status.shards.notReady.joined(separator: " "))"
        }
        var ledger = "revision \(status.ledger.revision)"
        if status.ledger.publishedRevision != status.ledger.revision {
            ledger += ", in Redis \(status.ledger.publishedRevision.map(String.init) ?? "none")"
        }
        var ingest = "\(status.ingest.waiting) events wait"
        if status.ingest.waiting > 0 { ingest += ", the oldest for \(status.ingest.oldestMs) ms" }
        var redis = "\(status.redis.version), run \(status.redis.runID.prefix(8))"
        if status.redis.maxmemoryPolicy != "noeviction" {
            redis += ", maxmemory-policy \(status.redis.maxmemoryPolicy): it may forget what was spent"
        }
        return """
            leader       \(leader)
            shards       \(shards)
            ingest       \(ingest)
            ledger       \(ledger)
            kill switch  \(status.killSwitch.isEmpty ? "off" : "thrown: " + status.killSwitch.joined(separator: " "))
            redis        \(redis)
            """
    }
}
