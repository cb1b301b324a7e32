import Foundation
import NIOHTTP1
import Testing
import WeirTestSupport

extension EndToEnd.OneStack {
    /// What `weir limits explain` says against what a gateway does.
    @Suite struct ExplainTests {
        private struct Explained: Decodable {
            struct Verdict: Decodable {
                struct Reason: Decodable { let reason: String }
                let admitted: Bool
                let model: String?
                let downgraded_from: String?
                let max_tokens: Int?
                let weir: Reason?
            }
            struct Limit: Decodable {
                let limit: String
                let used: Int
                let reserved: Int
                let redis_key: String
            }
            let verdict: Verdict
            let limits: [Limit]
        }

        @Test func `explain says before each call what the gateway then answers, from Redis's own numbers`()
            async throws
        {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "explain", user: "eve")
            let call = CallRequest(
                product: "stairs", model: "auto", maxTokens: 800, simulate: "input=200;output=800")
            // What a gateway holds as input: a token per byte, and what stands around the text.
            let arguments = [
                "limits", "explain", "--team", "explain", "--user", "eve", "--product", "steps", "--model", "auto",
                "--max-tokens", "800", "--input-tokens", String(call.body.utf8.count + 512), "--json",
            ]
            var answers: [Int] = []
            var shortened = 0
            repeat {
                let finished = try await stack.weir(arguments)
                try #require(finished.status == 0, "\(finished.errors)")
                let said = try JSONDecoder().decode(Explained.self, from: Data(finished.output.utf8))
                let limit = try #require(said.limits.first { $0.limit == "stairs" })
                let settled = try await stack.redisCLI("HGET", limit.redis_key, "settled")
                #expect(limit.used == Int(settled) ?? 0 && limit.reserved == 0)

                let answer = try await stack.call(person, call)
                answers.append(answer.status)
                #expect(said.verdict.admitted == (answer.status == 200), "\(said) \(answer)")
                #expect(said.verdict.weir?.reason == answer.denied?.reason)
                #expect(said.verdict.model == answer.headers.first(name: "weir-model"))
                #expect(said.verdict.downgraded_from == answer.headers.first(name: "weir-downgraded-from"))
                #expect(said.verdict.max_tokens.map(String.init) == answer.headers.first(name: "weir-max-tokens"))
                if said.verdict.max_tokens != nil { shortened += 1 }
            } while answers.last == 200 && answers.count < 100
            #expect(answers.last == 429 && answers.count > 5 && shortened > 0)
        }
    }
}
