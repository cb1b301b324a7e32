import AsyncHTTPClient
import NIOHTTP1
import Testing
import WeirCore
import WeirSimulator

@testable import WeirGateway

/// What reaches provider, client and ledger when another model serves than was asked for.
@Suite struct ServedModelTests {
    static func policy(_ product: Policy.Product? = nil) -> Policy {
        var policy = TestBed.policy
        policy.ladder = ["claude-opus-4", "claude-sonnet-4", "gpt-4.1", "claude-haiku-4", "gpt-4.1-mini"]
        if let product { policy.products["default"] = product }
        return policy
    }

    @Test(arguments: [("/v1/messages", "claude-sonnet-4"), ("/v1/chat/completions", "gpt-4.1-mini")])
    func `a call that is served by a cheaper model says so everywhere`(path: String, model: String) async throws {
        try await withGateway(TestBed.admission(policy: Self.policy(), serving: 1)) { bed in
            let answer = try await bed.send(bed.request(path, simulate: "input=100;output=10", model: "auto"))
            #expect(answer.status == .ok)
            #expect(answer.headers.first(name: "weir-model") == model)
            #expect(
                answer.headers.first(name: "weir-downgraded-from")
                    == (path.hasSuffix("messages") ? "claude-opus-4" : "gpt-4.1"))
            #expect(bed.simulator.log().map(\.model) == [model])
            let event = try #require(bed.admission.now.settled.first)
            #expect((event.requestedModel, event.model) == ("auto", model))
            let price = try #require(try testPrices.get().price(provider: event.provider, model: model)).price
            #expect(event.cost == price.cost(of: TokenUsage(input: 100, output: 10)))
            #expect(event.billable)
            #expect(bed.admission.unbalanced.isEmpty)
        }
    }

    @Test func `auto that is served by its first model is no downgrade`() async throws {
        try await withGateway(TestBed.admission(policy: Self.policy())) { bed in
            let answer = try await bed.send(bed.request(model: "auto"))
            #expect(answer.headers.first(name: "weir-model") == "claude-opus-4")
            #expect(answer.headers.first(name: "weir-downgraded-from") == nil)
            #expect(bed.simulator.log().map(\.model) == ["claude-opus-4"])
        }
    }

    @Test func `a model that serves as asked is not mentioned`() async throws {
        try await withGateway(TestBed.admission(policy: Self.policy())) { bed in
            let answer = try await bed.send(bed.request(model: "claude-opus-4"))
            for name in ["weir-model", "weir-downgraded-from", "weir-max-tokens"] {
                #expect(answer.headers.first(name: name) == nil)
            }
            #expect(bed.admission.now.candidates.first?.map(\.model) == ["claude-opus-4"])
        }
    }

    @Test func `each candidate costs what its own price says`() async throws {
        try await withGateway(TestBed.admission(policy: Self.policy())) { bed in
            _ = try await bed.send(bed.request(model: "auto"))
            let candidates = try #require(bed.admission.now.candidates.first)
            #expect(candidates.map(\.model) == ["claude-opus-4", "claude-sonnet-4", "claude-haiku-4"])
            #expect(candidates.map(\.estimate.cost) == candidates.map(\.estimate.cost).sorted().reversed())
            for candidate in candidates {
                let least = try #require(candidate.least)
                #expect(least.tokens == candidate.estimate.tokens - 99, "max_tokens is 100")
            }
        }
    }

    @Test func `an unknown alias is a bad request in the API's form, and reaches no provider`() async throws {
        try await withGateway(TestBed.admission(policy: Self.policy())) { bed in
            let answer = try await bed.send(bed.request(model: "tier:none"))
            #expect(answer.status == .badRequest)
            #expect(answer.text.contains(#""type":"invalid_request_error""#))
            #expect(bed.simulator.log().isEmpty)
        }
    }

    @Test func `a shortened call goes out with the bound that is afforded`() async throws {
        let admission = TestBed.admission(
            policy: Self.policy(), bound: .init(tokens: 700))
        try await withGateway(admission) { bed in
            let answer = try await bed.send(bed.request(simulate: "output=5000", maxTokens: 4_000))
            let event = try #require(bed.admission.now.settled.first)
            let bound = try #require(answer.headers.first(name: "weir-max-tokens").flatMap { Int($0) })
            #expect((1..<200).contains(bound))
            #expect(event.extra["max_tokens_clamped_to"] == "\(bound)")
            // The simulator obeys max_tokens.
            #expect(event.tokens.output == bound)
            let estimate = try #require(bed.admission.now.estimates.first)
            #expect(estimate.inputTokens + bound == 700, "all that is afforded, and no more")
        }
    }

    @Test func `a product's old name and its map of models work, under the new names`() async throws {
        let product = Policy.Product(
            callClass: "ai", billable: true, resource: "ai_credits", aliases: ["old-name"], models: ["claude-haiku-4"],
            rewrite: ["claude-opus-4": "claude-haiku-4"])
        try await withGateway(TestBed.admission(policy: Self.policy(product))) { bed in
            let answer = try await bed.send(bed.request("/old-name/v1/messages", model: "claude-opus-4"))
            #expect(answer.status == .ok)
            #expect(answer.headers.first(name: "weir-product") == "default")
            #expect(answer.headers.first(name: "weir-model") == "claude-haiku-4")
            #expect(answer.headers.first(name: "weir-downgraded-from") == nil)
            #expect(bed.simulator.log().map(\.model) == ["claude-haiku-4"])
            let event = try #require(bed.admission.now.settled.first)
            #expect(event.product == "default" && event.billable)
            #expect((event.requestedModel, event.model) == ("claude-opus-4", "claude-haiku-4"))
            let refused = try await bed.send(bed.request("/v1/messages", model: "claude-sonnet-4"))
            #expect(refused.status == .forbidden && refused.text.contains("model_not_allowed"))
        }
    }
}
