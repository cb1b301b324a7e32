import ArgumentParser
import Foundation
import NIOCore
import Testing
import WeirAdmin
import WeirCore
import WeirLedger
import WeirRedis
import WeirTestSupport

@testable import WeirCommands

@Suite struct AdminCommandTests {
    @Test func `status says who leads and what is ready`() async throws {
        try await withAggregator { _, _, redis in
            func status() async throws -> StatusAnswer {
                let report = try await StatusCommand.parse(["--json"]).report()
                return try JSONDecoder().decode(StatusAnswer.self, from: Data(report.json.utf8))
            }
            try await eventually("all shards are ready") { try await status().shards.ready == 16 }
            let status = try await status()
            #expect(status.leader?.token == 1 && status.leader?.since ?? 0 > 1_000_000_000)
            #expect(status.ledger.revision == status.ledger.publishedRevision)
            #expect(status.ingest.waiting == 0 && status.ingest.oldestMs == 0 && status.killSwitch.isEmpty)
            #expect(status.redis.maxmemoryPolicy == "noeviction" && status.redis.runID.count == 40)
            try await redis.send(["HSET", .string(RedisKeys.killSwitch), "global", "on"])
            let report = try await StatusCommand.parse([]).report()
            #expect(report.text.contains("kill switch  thrown: global") && report.text.contains("16 of 16 ready"))
        }
    }

    @Test func `an operator's day`() async throws {
        try await withAggregator { _, ledger, _ in
            let created = try await KeysCreate.parse(["--team", "acme", "--user", "alice", "--product", "slack-bot"])
                .report()
            let key = try #require(APIKey(created.text))
            #expect(created.json.contains(key.text))
            #expect(try await ledger.audit(limit: 1).first?.actor == "ann")

            let keys = try await KeysList.parse([]).report()
            #expect(keys.text.hasPrefix("ID           TEAM  USER   PRODUCTS   MODELS  STATUS  CREATED"))
            #expect(keys.text.contains("\(key.id)  acme  alice  slack_app  all     active"))
            #expect(try await KeysRevoke.parse([key.id]).report().text == "\(key.id) of team acme is revoked")
            #expect(try await KeysList.parse(["--team", "other"]).report().text == "no keys")

            let limited = ["acme", "--resource", "ai_credits"]
            let until = try await LimitedAdd.parse(limited + ["--until", "2096-01-01"]).report()
            #expect(until.text == "team acme is limited in ai_credits until 2096-01-01 00:00:00Z")
            #expect(
                try await LimitedList.parse([]).report().text
                    == "RESOURCE    TEAM  UNTIL\nai_credits  acme  2096-01-01 00:00:00Z")
            #expect(
                try await LimitedRemove.parse(limited).report().text == "team acme is no longer limited in ai_credits")
            #expect(
                try await LimitedRemove.parse(limited).report().text == "team acme was not limited in ai_credits")
            #expect(try await LimitedList.parse([]).report().text == "no team is limited")

            #expect(try await KillSwitchStatus.parse([]).report().text == "nothing is stopped")
            let thrown = try await KillSwitchOn.parse(["--reason", "too dear", "--scope", "product:slack-bot"]).report()
            #expect(thrown.text == "the kill switch is thrown for product:slack_app")
            #expect(try await KillSwitchStatus.parse([]).report().text.contains("product:slack_app  thrown"))
            let off = try await KillSwitchOff.parse(["--scope", "product:slack_app"]).report()
            #expect(off.text == "the kill switch is off for product:slack_app")

            let usage = try await UsageCommand.parse(["--by", "team", "--days", "1"]).report()
            #expect(usage.text.hasSuffix("total      0       0      0           0            0       0      0.00"))
        }
    }

    @Test func `limits are listed, set for one subject, and unset`() async throws {
        try await withAggregator { _, ledger, redis in
            _ = try await KeysCreate.parse(["--team", "acme", "--user", "alice"]).report()
            let list = try await LimitsList.parse([]).report()
            #expect(
                list.text == """
                    LIMIT  PER   COVERS  AMOUNT              GROUPS  ENFORCE
                    calls  user  all     5 requests in 60 s  -       reserve
                    """)
            let set = try await LimitsSet.parse([
                "user:alice", "calls", "50requests", "--until", "2096-01-01", "--reason", "why",
            ]).report()
            #expect(set.text == "calls of user:acme/alice is 50 requests until 2096-01-01 00:00:00Z")
            guard case .bulk(let amount) = try await redis.send(["GET", "weir:override:calls:user:acme/alice"]) else {
                throw RedisError.protocolViolation("GET")
            }
            #expect(String(buffer: amount) == "50")
            #expect(
                try await LimitsList.parse([]).report().text.hasSuffix(
                    """
                    SUBJECT          LIMIT  AMOUNT       UNTIL                 BY   REASON
                    user:acme/alice  calls  50 requests  2096-01-01 00:00:00Z  ann  why
                    """))
            #expect(
                try await LimitsSet.parse(["user:acme/alice", "calls", "unlimited"]).report().text
                    == "calls of user:acme/alice is unlimited")
            let unset = try LimitsUnset.parse(["user:alice", "calls"])
            #expect(try await unset.report().text == "calls of user:acme/alice is what policy says")
            #expect(
                try await unset.report().text == "calls of user:acme/alice had no amount of its own; policy holds")
            #expect(try await ledger.overrides().isEmpty)
            for (arguments, problem) in [
                (["user:alice", "calls", "75usd"], "the limit calls counts requests, not usd; write 10requests"),
                (["user:alice", "call", "75"], "there is no limit call; limits: calls"),
                (
                    ["user:bob", "calls", "75"],
                    "no API key is of a user bob (422 invalid_field)\nname the team, too: user:TEAM/bob"
                ),
            ] {
                do {
                    _ = try await LimitsSet.parse(arguments).report()
                    Issue.record("accepted: \(arguments)")
                } catch { #expect("\(error)" == problem) }
            }
        }
    }

    @Test func `denials are shown`() async throws {
        try await withAggregator { _, ledger, _ in
            let day = UTCDay(containingMs: Int(Date().timeIntervalSince1970 * 1000))
            try await ledger.recordDenials([
                DenialCount(key: DenialKey(day: day, team: "acme", limit: "calls", reason: "x"), node: "n", count: 1234)
            ])
            let text = try await UsageCommand.parse(["--denials"]).report().text
            #expect(
                text.hasSuffix(
                    "TEAM   USER  LIMIT  REASON  DENIALS\nacme   -     calls  x         1,234\ntotal  -     -      -         1,234"
                ))
        }
    }

    @Test func `a key is rotated`() async throws {
        try await withAggregator { _, ledger, _ in
            let old = try #require(APIKey(try await KeysCreate.parse(["--team", "acme"]).report().text))
            let new = try #require(APIKey(try await KeysRotate.parse([old.id, "--overlap", "2h"]).report().text))
            #expect(new.id != old.id)
            #expect(try await ledger.key(id: old.id)?.record.expiresAtMs != nil)
            #expect(try await ledger.key(id: new.id)?.record.expiresAtMs == nil)
        }
    }

    @Test func `errors say what to do`() async throws {
        try await withAggregator { _, _, _ in
            func error(_ changes: [String: String], _ command: some AdminCommand) async -> String {
                let environment = Setting.environment.merging(changes) { $1 }
                return await Setting.$environment.withValue(environment) {
                    do { return try await command.report().text } catch { return "\(error)" }
                }
            }
            let list = try KeysList.parse([])
            #expect(
                await error(["WEIR_ADMIN_TOKEN": "wrong"], list).hasPrefix(
                    "the admin token was refused; is it the token of this aggregator?"))
            #expect(
                await error(["WEIR_ADMIN_TOKEN": ""], list)
                    == "the admin API asks for a token; set WEIR_ADMIN_TOKEN, or give --admin-token-file")
            #expect(
                await error(["WEIR_ADMIN_URL": "http://127.0.0.1:1"], list).hasPrefix(
                    "cannot reach the admin API at http://127.0.0.1:1: "))
            #expect(
                await error(["WEIR_ADMIN_URL": "127.0.0.1"], list)
                    == "127.0.0.1 is not an address of an admin API; write it as http://127.0.0.1:8090")
            #expect(
                await error([:], try KeysCreate.parse(["--team", "a", "--product", "slack"]))
                    == "there is no product \"slack\" (422 invalid_field)\nproducts: slack_app")
            #expect(
                await error([:], try KeysRevoke.parse(["wk_none"])).hasPrefix("there is no key wk_none (404 not_found)")
            )
            #expect(await error([:], try KeysRevoke.parse(["../policy"])).contains("cannot be a key's id"))
        }
    }

    @Test func `a key that cannot be published is shown all the same, and the command fails`() async throws {
        try await withAggregator { _, ledger, redis in
            redis.kill()
            let report = try await KeysCreate.parse(["--team", "acme"]).report()
            #expect(!report.isSuccess)
            let key = try #require(APIKey(report.text))
            #expect(try await ledger.key(id: key.id) != nil)
            #expect(report.json.contains(key.text))
        }
    }
}
