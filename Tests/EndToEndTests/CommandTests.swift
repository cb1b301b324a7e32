import Foundation
import Testing
import WeirTestSupport

extension EndToEnd.OneStack {
    /// The commands against a whole stack.
    @Suite struct CommandTests {
        private struct Usage: Decodable {
            struct Line: Decodable {
                let name: String
                let calls: Int
                let input_tokens: Int
                let output_tokens: Int
                let cost_usd: String
            }
            let rows: [Line]
        }

        private struct Limited: Decodable {
            struct Entry: Decodable {
                let resource: String
                let team: String
                let until: Int?
            }
            let limited: [Entry]
        }

        private struct PolicyVersion: Decodable {
            let version: Int
            let yaml: String
        }

        @Test func `usage by team says what the team's calls were`() async throws {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "usage", user: "una")
            for _ in 0..<3 {
                #expect(try await stack.call(person, CallRequest(simulate: "input=1000;output=100")).status == 200)
            }
            var line: Usage.Line?
            try await eventually("three calls in the ledger") {
                let usage: Usage = try await stack.weirJSON("usage", "--by", "team", "--days", "2")
                line = usage.rows.first { $0.name == "usage" }
                return line?.calls == 3
            }
            #expect(line?.input_tokens == 3000 && line?.output_tokens == 300)
            // 3 × (1,000 tokens at 3 USD + 100 at 15 USD per million).
            #expect(line?.cost_usd == "0.0135")
        }

        @Test func `limited add, list and remove do what they say`() async throws {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "listed", user: "lou")
            func entries() async throws -> [Limited.Entry] {
                let list: Limited = try await stack.weirJSON("limited", "list")
                return list.limited.filter { $0.team == "listed" }
            }
            #expect(try await entries().isEmpty)
            try await stack.weirDone("limited", "add", "listed", "--resource", "ai_credits", "--for", "2h")
            let entry = try #require(try await entries().first)
            #expect(entry.resource == "ai_credits")
            let now = try await stack.unixSeconds()
            #expect((7190...7201).contains((entry.until ?? 0) - now))
            try await stack.promised("denied") { try await stack.call(person).denied?.reason == "team_limited" }
            try await stack.weirDone("limited", "remove", "listed", "--resource", "ai_credits")
            #expect(try await entries().isEmpty)
            for gateway in 0..<2 {
                try await stack.promised("admitted") { try await stack.call(person, gateway: gateway).status == 200 }
            }
        }

        @Test func `a policy with an error is refused whole, and a right one is obeyed by every gateway`() async throws
        {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "policy", user: "pia")
            let file = stack.dev.directory + "/next.yaml"
            func search(_ gateway: Int) async throws -> Int {
                try await stack.call(person, CallRequest(product: "search"), gateway: gateway).status
            }
            func apply(_ text: String) async throws -> Program.Finished {
                try text.write(toFile: file, atomically: true, encoding: .utf8)
                return try await stack.weir("policy", "apply", file)
            }
            let first: PolicyVersion = try await stack.weirJSON("policy", "show")
            let withoutSearch = TestPolicy.roomy.replacing("  search:  { class: lookup, billable: false }\n", with: "")
            try #require(withoutSearch != TestPolicy.roomy)

            let wrong = try await apply(withoutSearch.replacing("window: 1h", with: "windov: 1h"))
            #expect(wrong.status == 1)
            #expect(wrong.errors.contains("next.yaml:17") && wrong.errors.contains("windov"), "\(wrong.errors)")
            let second: PolicyVersion = try await stack.weirJSON("policy", "show")
            #expect(second.version == first.version && second.yaml == first.yaml)
            for gateway in 0..<2 { #expect(try await search(gateway) == 200) }

            let right = try await apply(withoutSearch)
            #expect(right.status == 0, "\(right.errors)")
            for gateway in 0..<2 {
                try await stack.promised("obeyed by gateway \(gateway)") { try await search(gateway) == 404 }
            }
            let third: PolicyVersion = try await stack.weirJSON("policy", "show")
            #expect(third.version == first.version + 1)
            #expect(try await apply(TestPolicy.roomy).status == 0)
            for gateway in 0..<2 {
                try await stack.promised("obeyed by gateway \(gateway)") { try await search(gateway) == 200 }
            }
        }
    }
}
