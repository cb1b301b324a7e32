import ArgumentParser
import Foundation
import Testing
import WeirAdmin
import WeirCore
import WeirLedger
import WeirRedis
import WeirTestSupport

@testable import WeirCommands

@Suite struct PolicyCommandTests {
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
}
