import ArgumentParser
import Foundation
import Logging
import NIOCore
import NIOPosix
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

private let policyText = """
    products: { slack_app: { class: ai, billable: true, resource: ai_credits, aliases: [slack-bot] } }
    classes: { ai: {} }
    limits: [{ id: calls, per: user, unit: requests, window: 60s, amount: "${CALLS:-5}" }]
    """

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

    @Test func `a call is explained, and a proposed policy is tried on the ledger`() async throws {
        try await withAggregator { directory, ledger, redis in
            _ = try await KeysCreate.parse(["--team", "acme", "--user", "alice"]).report()
            let explain = try LimitsExplain.parse(
                ["--team", "acme", "--user", "alice", "--product", "slack-bot", "--model", "claude-sonnet-4"])
            try await eventually("the shards are ready") { (try? await explain.report()) != nil }
            let lines = try await explain.report().text.split(separator: "\n").map(String.init)
            #expect(lines[0].hasSuffix("product slack_app, class ai, model claude-sonnet-4, provider anthropic"))
            #expect(lines[2].hasPrefix("calls  user:acme/alice  5 requests in 60 s  default     0         0"))
            #expect(lines.last == "admitted: claude-sonnet-4 would serve it")
            _ = try await KillSwitchOn.parse(["--reason", "too dear"]).report()
            #expect(
                try await explain.report().text.hasSuffix(
                    "denied, kill_switch: The kill switch is on for global: too dear"))

            let simulate = try SimulateCommand.parse(["--policy", directory + "/policy.yaml", "--days", "1"])
            let report = try await simulate.report().text
            #expect(report.contains(": 0 calls, 0 would have been denied"))
            let path = directory + "/wrong.yaml"
            try policyText.replacing("per: user", with: "per: usr").write(
                toFile: path, atomically: true, encoding: .utf8)
            await #expect(throws: PolicyErrors.self) {
                try await SimulateCommand.parse(["--policy", path]).report()
            }
        }
    }

    @Test func `a policy is applied with the caller's environment, shown, and applied again`() async throws {
        try await withAggregator { directory, ledger, _ in
            #expect(try await ledger.currentPolicy()?.note.hasSuffix("at the first start") == true)
            var environment = Setting.environment
            environment["CALLS"] = "9"
            let path = directory + "/policy.yaml"
            try await Setting.$environment.withValue(environment) {
                let report = try await PolicyApply.parse([path, "--note", "more calls"]).report()
                #expect(report.text == "version 2 is applied: 1 products, 1 limits")
            }
            #expect(try await ledger.currentPolicy()?.policy.limits[0].amount == 9)
            let shown = try await PolicyShow.parse([]).report().text
            #expect(shown.contains("by ann: more calls\n"))
            #expect(shown.contains("amount: \"9\""))
            try shown.write(toFile: path, atomically: true, encoding: .utf8)
            #expect(try await PolicyApply.parse([path]).report().text.hasPrefix("version 3 "))
            #expect(try await ledger.currentPolicy()?.policy.limits[0].amount == 9)

            try shown.replacing("per: user", with: "per: usr").write(toFile: path, atomically: true, encoding: .utf8)
            await #expect(throws: PolicyErrors.self) { try await PolicyApply.parse([path]).report() }
            #expect(try await ledger.currentPolicy()?.version == 3)
        }
    }

    @Test func `a policy is compared with the one in force, and an older one applied again`() async throws {
        try await withAggregator { directory, ledger, _ in
            let path = directory + "/policy.yaml"
            #expect(try await PolicyDiffCommand.parse([path]).report().text == "\(path) changes nothing of version 1")
            let text = try String(contentsOfFile: path, encoding: .utf8)
            try text.replacing(":-5}", with: ":-7}").replacing("ai: {}", with: "ai: {}, look: {}")
                .write(toFile: path, atomically: true, encoding: .utf8)
            let diff = try await PolicyDiffCommand.parse([path]).report()
            #expect(
                diff.text == """
                    version 1 → \(path)
                    + class look
                        kill_switch: true
                    ~ limit calls
                        amount: 5 → 7
                    """)
            #expect(diff.json.contains(#""kind":"changed","name":"calls""#))
            #expect(try await ledger.currentPolicy()?.version == 1)

            _ = try await PolicyApply.parse([path]).report()
            let back = try await PolicyDiffCommand.parse(["--version", "1"]).report().text
            #expect(back.hasSuffix("amount: 7 → 5"))
            let applied = try await PolicyApply.parse(["--version", "1"]).report().text
            #expect(applied.hasPrefix("version 3 is applied"))
            let current = try await ledger.currentPolicy()
            #expect(current?.policy.limits[0].amount == 5 && current?.note == "version 1 again")
            let versions = try await PolicyVersions.parse([]).report().text.split(separator: "\n")
            #expect(versions.count == 4 && versions[1].contains("version 1 again"))
            let error = await #expect(throws: AdminClientError.self) {
                try await PolicyApply.parse(["--version", "99"]).report()
            }
            #expect("\(error.map { "\($0)" } ?? "")".contains("there is no version 99"))
        }
    }

    @Test func `prices are checked, added and listed, and the ledger repriced by them`() async throws {
        try await withAggregator { directory, ledger, _ in
            let path = directory + "/prices.json"
            let file = PriceSource.form.split(separator: "\n").dropFirst().joined(separator: "\n")
            try file.write(toFile: path, atomically: true, encoding: .utf8)
            let check = try PricesCheck.parse([path]).check()
            #expect(check.isSuccess)
            #expect(check.text.hasSuffix("anthropic/claude-example-1 from 2026-11-21: 3.00/15.00 (new)"))
            let noonMs = 1_795_262_400_000
            let event = UsageEvent(
                id: "1", calledAtMs: noonMs, team: "acme", product: "slack_app", billable: true, callClass: "ai",
                endpoint: "messages", provider: "anthropic", requestedModel: "claude-example-1",
                model: "claude-example-1", tokens: TokenUsage(input: 1_000_000), priceVersion: "1", isModelKnown: false)
            _ = try await ledger.ingest([event], deadLetters: [])
            let reprice = ["--from", "2026-11-21", "--to", "2026-11-21"]
            #expect(
                try await LedgerReprice.parse(reprice).report().text.hasSuffix(
                    "1 calls have no price and stay as they are (weir prices list)"))

            let added = try await PricesAdd.parse([path, "--note", "n"]).report().text
            #expect(added.hasPrefix("1 price added; the prices are now ") && added.hasSuffix("+1"))
            let list = try await PricesList.parse(["--day", "2026-11-21"]).report().text
            let row = list.split(separator: "\n").first { $0.contains("claude-example-1") } ?? ""
            #expect(
                row.split(separator: " ").map(String.init) == [
                    "anthropic", "claude-example-1", "2026-11-21", "3.00", "0.30", "3.75", "6.00", "15.00", "-", "50",
                    "%",
                ])
            let before = try await PricesList.parse(["--day", "2026-11-20"]).report().text
            #expect(!before.contains("claude-example-1"))
            let dry = try await LedgerReprice.parse(reprice + ["--dry-run"]).report().text
            #expect(dry.hasSuffix("1 of 1 calls would be corrected, by 3.00 USD in all"))
            let done = try await LedgerReprice.parse(reprice).report().text
            #expect(done.hasSuffix("1 of 1 calls corrected, by 3.00 USD in all"))
            #expect(try await LedgerVerify.parse([]).report().text == "every day's sums are the sums of its events")

            var exported = ""
            let export = try LedgerExport.parse(reprice)
            try await AdminClient.with(url: Setting.adminURL.value(nil) ?? "", token: "token-of-the-tests") { client in
                try await export.pages(client) { exported += $0 }
            }
            let lines = exported.split(separator: "\n")
            #expect(lines.count == 2 && lines[1].contains(#""outcome":"repriced""#))

            try file.replacing("valid_from", with: "validfrom").write(toFile: path, atomically: true, encoding: .utf8)
            let wrong = try PricesCheck.parse([path]).check()
            #expect(!wrong.isSuccess && wrong.text.contains("valid_from is missing"))
            try "{".write(toFile: path, atomically: true, encoding: .utf8)
            let error = #expect(throws: SettingError.self) { try PricesCheck.parse([path]).check() }
            #expect(error?.description.contains("this is not JSON") == true)
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
