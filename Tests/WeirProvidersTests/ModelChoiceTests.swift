import Testing
import WeirCore

@testable import WeirProviders

/// Which models may serve a call.
@Suite struct ModelChoiceTests {
    static let (opus, sonnet, haiku) = ("claude-opus-4", "claude-sonnet-4", "claude-haiku-4")

    static func models(
        _ asked: String, _ endpoint: Endpoint = .messages, provider: Dialect = .anthropic,
        product: Policy.Product = .init(callClass: "ai", billable: true), keyModels: [String] = [],
        ladder: [Policy.Rung] = [
            .init(model: opus, tier: "smart"), "gpt-5.4", .init(model: sonnet), "no-such-model",
            .init(model: "gpt-4.1", tier: "fast"), .init(model: haiku, tier: "fast"),
        ],
        downgrade: Policy.Downgrade = .aliases
    ) throws(DeniedChoice) -> [String] {
        let policy = Policy(products: [:], classes: [:], limits: [], ladder: ladder, downgrade: downgrade)
        guard let prices = try? PriceTable.shipped() else { return [] }
        return try ModelChoice(
            product: product, productName: "p", record: APIKeyRecord(id: "wk_1", team: "acme", models: keyModels),
            policy: policy, prices: prices, provider: provider, endpoint: endpoint
        ).models(for: asked)
    }

    static func denial(_ body: () throws(DeniedChoice) -> [String]) -> Denial? {
        do throws(DeniedChoice) {
            _ = try body()
        } catch {
            return error.denial
        }
        return nil
    }

    @Test func `auto is the ladder of the call's own provider, a tier the ladder from there on`() throws {
        #expect(try Self.models("auto") == [Self.opus, Self.sonnet, Self.haiku])
        #expect(try Self.models("tier:smart") == [Self.opus, Self.sonnet, Self.haiku])
        #expect(try Self.models("tier:fast") == [Self.haiku])
        #expect(try Self.models("auto", .chatCompletions, provider: .openAI) == ["gpt-5.4", "gpt-4.1"])
        #expect(try Self.models("tier:fast", .responses, provider: .openAI) == ["gpt-4.1"])
    }

    @Test func `a model named exactly is kept, unless the policy says always`() throws {
        #expect(try Self.models(Self.opus) == [Self.opus])
        #expect(try Self.models(Self.sonnet, downgrade: .always) == [Self.sonnet, Self.haiku])
        #expect(try Self.models(Self.haiku, downgrade: .always) == [Self.haiku])
        // The same model by another of its names; one that is not on the ladder; one that no table knows.
        #expect(
            try Self.models("claude-opus-4-20250514", downgrade: .always) == [
                "claude-opus-4-20250514", Self.sonnet, Self.haiku,
            ])
        #expect(try Self.models("claude-opus-5", downgrade: .always) == ["claude-opus-5"])
        #expect(try Self.models("unheard-of", downgrade: .always) == ["unheard-of"])
    }

    @Test func `counting tokens and embeddings pass the ladder by`() throws {
        #expect(try Self.models("auto", .countTokens) == [Self.opus])
        #expect(try Self.models(Self.opus, .countTokens, downgrade: .always) == [Self.opus])
        #expect(
            try Self.models(
                "text-embedding-3-large", .embeddings, provider: .openAI,
                ladder: ["text-embedding-3-large", "text-embedding-3-small"], downgrade: .always)
                == ["text-embedding-3-large"])
        let denial = Self.denial { () throws(DeniedChoice) in try Self.models("auto", .embeddings, provider: .openAI) }
        #expect(denial?.reason == .invalidRequest)
    }

    @Test func `models that key or product may not use are passed over`() throws {
        let product = Policy.Product(callClass: "ai", billable: true, models: [Self.opus, Self.haiku])
        #expect(try Self.models("auto", product: product) == [Self.opus, Self.haiku])
        #expect(try Self.models("auto", product: product, keyModels: [Self.haiku, Self.sonnet]) == [Self.haiku])
        #expect(
            try Self.models(Self.opus, product: product, keyModels: [Self.opus], downgrade: .always) == [Self.opus])
        for refused in [
            Self.denial({ () throws(DeniedChoice) in try Self.models(Self.sonnet, product: product) }),
            Self.denial({ () throws(DeniedChoice) in try Self.models("auto", keyModels: ["claude-opus-5"]) }),
            Self.denial({ () throws(DeniedChoice) in try Self.models("auto", product: product, keyModels: [Self.sonnet])
            }),
        ] { #expect(refused?.reason == .modelNotAllowed) }
    }

    @Test func `an alias that stands for nothing is refused with those that do`() {
        func message(_ asked: String, ladder: [Policy.Rung]) -> String? {
            let denial = Self.denial { () throws(DeniedChoice) in try Self.models(asked, ladder: ladder) }
            return denial?.reason == .invalidRequest ? denial?.message : nil
        }
        #expect(
            message("tier:slow", ladder: [.init(model: Self.opus, tier: "smart")])
                == "'tier:slow' names no model of the policy's ladder. Use auto, tier:smart, or a model's name.")
        for ladder: [Policy.Rung] in [[], ["gpt-4.1"]] {
            #expect(
                message("auto", ladder: ladder)
                    == "'auto' names no model: the policy's ladder has none of this provider. Name the model.")
        }
    }

    @Test func `a product rewrites what is asked for once, and what serves must be allowed`() throws {
        let product = Policy.Product(
            callClass: "ai", billable: true, rewrite: ["old": Self.sonnet, Self.opus: Self.haiku, "*": "auto"])
        #expect(try Self.models("old", product: product) == [Self.sonnet])
        #expect(try Self.models("old", product: product, keyModels: [Self.sonnet]) == [Self.sonnet])
        #expect(try Self.models(Self.opus, product: product) == [Self.haiku])
        #expect(try Self.models("anything", product: product) == [Self.opus, Self.sonnet, Self.haiku])
        let denial = Self.denial { () throws(DeniedChoice) in
            try Self.models("old", product: product, keyModels: ["old"])
        }
        #expect(denial?.reason == .modelNotAllowed)
    }
}
