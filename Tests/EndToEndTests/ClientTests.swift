import Foundation
import Testing
import WeirTestSupport

extension EndToEnd.OneStack {
    /// The official Python packages of Anthropic, OpenAI and Google: `Tests/Clients`.
    @Suite struct ClientTests {
        private static let script =
            URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().path + "/Clients/run"

        private func run(key: Person, limited: Person, _ arguments: [String] = []) async throws {
            let stack = try Stack.here
            let brief = try await stack.newPerson(team: "sdk", user: "brief", product: "brief")
            let finished = try await Program.run(
                Self.script, arguments,
                environment: [
                    "WEIR_GATEWAY": stack.gateways[0], "WEIR_SIMULATOR": stack.ready.simulator,
                    "WEIR_KEY": key.key, "WEIR_LIMITED_KEY": limited.key, "WEIR_BRIEF_KEY": brief.key,
                ])
            print(finished.output.split(separator: "\n").suffix(3).joined(separator: "\n"))
            #expect(finished.status == 0, "\(finished.output)\n\(finished.errors)")
        }

        @Test func `the official SDKs work, and show a limited team's denial as their typed error`() async throws {
            let stack = try Stack.here
            let key = try await stack.newPerson(team: "sdk", user: "kim")
            let limited = try await stack.newPerson(team: "sdk-limited", user: "kim")
            try await stack.weirDone("limited", "add", "sdk-limited", "--resource", "ai_credits", "--for", "1h")
            try await stack.promised("limited") { try await stack.call(limited, gateway: 0).status == 429 }
            try await run(key: key, limited: limited)
        }

        @Test func `the official SDKs show a rate limit's denial as their typed error`() async throws {
            let stack = try Stack.here
            let limited = try await stack.newPerson(team: "sdk", user: "lim", product: "narrow")
            for _ in 0..<TestPolicy.narrowCalls { #expect(try await stack.call(limited).status == 200) }
            try await run(key: limited, limited: limited, ["-k", "denial"])
        }
    }
}
