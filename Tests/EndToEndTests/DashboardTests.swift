import Foundation
import Testing
import WeirTestSupport

extension EndToEnd {
    /// The dashboard in a headless Chromium: `Tests/Dashboard`.
    @Suite struct DashboardTests {
        private static let script =
            URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().path + "/Dashboard/run"

        @Test func `people see, steer and are stopped, with ten thousand teams and a script in every name`()
            async throws
        {
            try await Stack.with { stack in
                let person = try await stack.newPerson(team: "told", user: "kim")
                for _ in 0..<3 { #expect(try await stack.call(person).status == 200) }
                try await eventually("calls in the ledger") { try await stack.events(teams: ["told"]).count == 3 }
                let finished = try await Program.run(
                    Self.script, [],
                    environment: [
                        "WEIR_DASHBOARD": stack.ready.aggregator, "WEIR_ADMIN_TOKEN": stack.ready.admin_token,
                        "WEIR_LEDGER": stack.ready.ledger,
                    ])
                print(finished.output.split(separator: "\n").suffix(3).joined(separator: "\n"))
                #expect(finished.status == 0, "\(finished.output)\n\(finished.errors)")
            }
        }
    }
}
