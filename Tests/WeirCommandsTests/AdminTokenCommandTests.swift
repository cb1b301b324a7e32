import ArgumentParser
import Foundation
import Testing
import WeirAdmin
import WeirCore
import WeirLedger
import WeirTestSupport

@testable import WeirCommands

@Suite struct AdminTokenCommandTests {
    @Test func `the first token is made in the ledger, before any aggregator runs`() async throws {
        try await withTemporaryDirectory { directory in
            let place = ["--ledger", "sqlite:\(directory)/weir.db"]
            try await Setting.$environment.withValue(["USER": "ann"]) {
                // As it is run: by what every command conforms to.
                let command: any AdminCommand = try AdminTokenList.parse(place)
                let list = try await command.report()
                #expect(list.text == "no admin tokens")
                let report = try await AdminTokenCreate.parse(place + ["--name", "ann", "--role", "admin"]).report()
                let token = try #require(AdminToken(report.text))
                let listed = try await AdminTokenList.parse(place).report()
                #expect(listed.text.contains("\(token.id)  ann   admin  active"))
                #expect(!listed.json.contains(token.text.dropFirst(12)))
                let revoked = try await AdminTokenRevoke.parse([token.id] + place).report()
                #expect(revoked.text == "\(token.id) of ann is revoked")
            }
        }
    }

    @Test func `further tokens are made over the API, by who may, and obey their role`() async throws {
        try await withAggregator { directory, ledger, _ in
            let report = try await AdminTokenCreate.parse([
                "--name", "oncall", "--role", "operator", "--expires", "90d",
            ])
            .report()
            let token = try #require(AdminToken(report.text))
            #expect(try await ledger.adminToken(id: token.id)?.expiresAtMs != nil)
            // Another process's change of the ledger is obeyed at once.
            let local = ["--ledger", "sqlite:\(directory)/weir.db"]
            var environment = Setting.environment
            environment["WEIR_ADMIN_TOKEN"] = token.text
            try await Setting.$environment.withValue(environment) {
                _ = try await KillSwitchOff.parse([]).report()
                let error = await #expect(throws: AdminClientError.self) {
                    _ = try await KeysCreate.parse(["--team", "acme"]).report()
                }
                #expect("\(error ?? .address(""))".contains("is for the role admin; oncall has the role operator"))
                _ = try await AdminTokenRevoke.parse([token.id] + local).report()
                await #expect(throws: AdminClientError.self) { _ = try await KeysList.parse([]).report() }
            }
        }
    }
}
