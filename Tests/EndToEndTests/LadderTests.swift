import NIOHTTP1
import Testing
import WeirCore
import WeirProviders
import WeirTestSupport

extension EndToEnd.OneStack {
    @Suite struct LadderTests {
        private static func call(output: Int) -> CallRequest {
            CallRequest(
                product: "stairs", model: "auto", maxTokens: output, simulate: "input=200;output=\(output)")
        }

        @Test func `as a budget fills up calls for auto go down the ladder, are shortened, and are denied in words`()
            async throws
        {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "stairs", user: "sue")
            var answers: [CallAnswer] = []
            var expected: [String: String] = [:]
            while answers.count < 300 {
                let settled = try await stack.budget("stairs", "user:stairs/sue").settled
                let answer = try await stack.call(person, Self.call(output: 400))
                answers.append(answer)
                guard answer.status == 200 else { break }
                if settled < TestPolicy.stairsMicros * 8 / 10 { expected[answer.request] = "claude-opus-4" }
            }
            let admitted = answers.dropLast()
            let denial = try #require(answers.last)
            #expect(denial.status == 429 && denial.denied?.reason == "budget_exhausted")
            let message = try #require(denial.message)
            #expect(
                message.hasPrefix("Limit stairs of 0.20 USD a month for user:stairs/sue does not admit this call: "))
            #expect(
                message.contains(" USD used, 0.00 USD reserved. It resets on ")
                    && message.hasSuffix("-01 at 00:00 UTC."))

            // What the provider was asked for is what the header said, in the order of the ladder.
            let seen = try await stack.witnessed(answers.map(\.request))
            #expect(seen.count == admitted.count)
            let order = ["claude-opus-4", "claude-sonnet-4", "claude-haiku-4"]
            let served = admitted.map { seen[$0.request]?.model ?? "" }
            #expect(Set(served) == Set(order))
            #expect(served == served.sorted { order.firstIndex(of: $0) ?? 9 < order.firstIndex(of: $1) ?? 9 })
            for (answer, model) in zip(admitted, served) {
                #expect(answer.headers.first(name: "weir-model") == model)
                #expect(
                    answer.headers.first(name: "weir-downgraded-from")
                        == (model == "claude-opus-4" ? nil : "claude-opus-4"))
                #expect(expected[answer.request] == (model == "claude-opus-4" ? model : nil), "up to 80 %, not beyond")
            }
            // The last ones were shortened to what was left, and the budget is not overspent.
            let shortened = admitted.filter { $0.headers.contains(name: "weir-max-tokens") }
            #expect(!shortened.isEmpty)
            for answer in shortened {
                let bound = answer.headers.first(name: "weir-max-tokens").flatMap { Int($0) }
                #expect(seen[answer.request]?.output_tokens == bound)
            }
            let prices = try PriceTable.shipped()
            let spent = try seen.values.reduce(0) { try $0 + $1.costMicros(prices) }
            #expect(spent <= TestPolicy.stairsMicros)
            #expect(try await stack.budget("stairs", "user:stairs/sue") == .init(settled: spent, reserved: 0))

            // The ledger has both models of every call.
            try await eventually("every call in the ledger") {
                try await stack.events(team: "stairs").filter { $0.user == "sue" }.count == admitted.count
            }
            for event in try await stack.events(team: "stairs") where event.user == "sue" {
                #expect(event.requestedModel == "auto" && event.model == seen[event.request]?.model)
                #expect(try event.costMicros == seen[event.request]?.costMicros(prices))
            }
        }

        @Test func `what a caller names exactly is kept, and counting tokens passes the ladder by`() async throws {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "stairs", user: "kim")
            var model: String?
            while model != "claude-sonnet-4" {
                let answer = try await stack.call(person, Self.call(output: 100))
                try #require(answer.status == 200)
                model = answer.headers.first(name: "weir-model")
            }
            var call = Self.call(output: 100)
            call.model = "claude-opus-4"
            let exact = try await stack.call(person, call)
            call.model = "tier:smart"
            let tier = try await stack.call(person, call)
            call.api = .countTokens
            let count = try await stack.call(person, call)
            // The product by its old name.
            call = Self.call(output: 100)
            call.product = "steps"
            let alias = try await stack.call(person, call)
            let seen = try await stack.witnessed([exact, tier, count, alias].map(\.request))
            #expect(seen[exact.request]?.model == "claude-opus-4")
            #expect(exact.headers.first(name: "weir-model") == nil)
            #expect(seen[tier.request]?.model == "claude-sonnet-4")
            #expect(seen[count.request]?.model == "claude-opus-4")
            #expect(count.headers.first(name: "weir-downgraded-from") == nil)
            #expect(alias.headers.first(name: "weir-product") == "stairs")
            try await eventually("recorded under the new name") {
                try await stack.events(team: "stairs").contains {
                    $0.request == alias.request && $0.product == "stairs" && $0.requestedModel == "auto"
                }
            }
        }
    }
}
