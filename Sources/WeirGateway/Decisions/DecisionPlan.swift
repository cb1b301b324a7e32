import WeirCore
import WeirProviders

/// What a call that somebody else makes may cost, on each of the models that may serve it.
struct DecisionPlan {
    let requestedModel: String
    /// The provider's name in the ledger.
    let provider: String
    let priceVersion: String
    let candidates: [Candidate]

    /// The endpoint of all such calls in the ledger. Nothing else may be settled by the API: whoever makes a call through
    /// the proxy knows its id, too, and must not settle it for less.
    static let endpoint = "reserve"
    /// The price version of calls whose cost the caller states itself.
    static let stated = "stated"
    /// Where a call has no model, and where no provider that the price table knows.
    static let noModel = "-"
    static let otherProvider = "other"

    init(
        _ request: ReserveRequest, record: APIKeyRecord, product: (name: String, rules: Policy.Product),
        policy: Policy, prices: PriceTable
    ) throws(Refusal) {
        guard let tokens = request.tokens, let model = request.model else {
            try self.init(stated: request, record: record, product: product, policy: policy, prices: prices)
            return
        }
        let dialect = try Self.dialect(of: model, request, product.rules, policy, prices)
        let provider = dialect.rawValue
        let choice = ModelChoice(
            product: product.rules, productName: product.name, record: record, policy: policy, prices: prices,
            provider: dialect, endpoint: Self.kind)
        var candidates: [Candidate] = []
        do throws(DeniedChoice) {
            for name in try choice.models(for: model) {
                let known = prices.price(provider: provider, model: name)
                let price: ModelPrice
                if let known { price = known } else { price = try choice.unpriced(name) }
                var usage = tokens.tokens
                // What is not bounded may be as long as the model writes.
                if !tokens.hasOutput { usage.output = price.maxOutputTokens }
                candidates.append(
                    Candidate(
                        model: name, estimate: Estimate(whole: usage, cost: price.price.costAtMost(of: usage)),
                        isModelKnown: known != nil))
            }
        } catch {
            throw .denial(error.denial)
        }
        self.init(
            requestedModel: model, provider: provider, priceVersion: prices.version, candidates: candidates)
    }

    private init(requestedModel: String, provider: String, priceVersion: String, candidates: [Candidate]) {
        self.requestedModel = requestedModel
        self.provider = provider
        self.priceVersion = priceVersion
        self.candidates = candidates
    }

    /// A call whose cost the caller states, or that has none.
    private init(
        stated request: ReserveRequest, record: APIKeyRecord, product: (name: String, rules: Policy.Product),
        policy: Policy, prices: PriceTable
    ) throws(Refusal) {
        requestedModel = request.model ?? Self.noModel
        priceVersion = Self.stated
        var model = Self.noModel
        if let asked = request.model {
            guard !ModelChoice.isAlias(asked) else {
                throw .denial(
                    Denial(.invalidRequest, "'\(asked)' stands for models whose prices differ: state \"tokens\"."))
            }
            let choice = ModelChoice(
                product: product.rules, productName: product.name, record: record, policy: policy, prices: prices,
                provider: request.provider ?? .openAI, endpoint: .models)
            do throws(DeniedChoice) {
                model = try choice.models(for: asked)[0]
            } catch {
                throw .denial(error.denial)
            }
        }
        provider = request.provider?.rawValue ?? Self.otherProvider
        let usage = TokenUsage(input: request.totalTokens ?? 0)
        candidates = [
            Candidate(
                model: model,
                estimate: Estimate(whole: usage, cost: MicroUSD(micros: request.costMicros ?? 0)))
        ]
    }

    /// A call that writes, so that it follows the ladder.
    private static let kind = Endpoint.chatCompletions

    /// Whose model it is: as the request says, else whose price table has it.
    private static func dialect(
        of model: String, _ request: ReserveRequest, _ product: Policy.Product, _ policy: Policy, _ prices: PriceTable
    ) throws(Refusal) -> Dialect {
        if let stated = request.provider { return stated }
        let wanted = product.rewrite[model] ?? product.rewrite["*"] ?? model
        let names: [String]
        if !ModelChoice.isAlias(wanted) {
            names = [wanted]
        } else if wanted == ModelChoice.automatic {
            names = policy.ladder.map(\.model)
        } else {
            names = policy.ladder.filter { ModelChoice.tierPrefix + ($0.tier ?? "") == wanted }.map(\.model)
        }
        for name in names {
            if let found = Dialect.allCases.first(where: { prices.price(provider: $0.rawValue, model: name) != nil }) {
                return found
            }
        }
        throw .denial(
            Denial(
                .modelUnpriced,
                "The model '\(model)' has no price here: state \"cost_micros\", or \"provider\" if unpriced models are admitted."
            ))
    }

    func event(for call: Call, labels: CallLabels, id: String, request: String) -> UsageEvent {
        UsageEvent(
            id: id, calledAtMs: 0, team: call.team, user: call.user, key: call.key, session: labels.session,
            request: request, product: call.product, billable: call.billable, callClass: call.callClass,
            endpoint: Self.endpoint, provider: provider, role: labels.role, task: labels.task,
            requestedModel: requestedModel, model: candidates[0].model, tokens: candidates[0].estimate.observed,
            cost: candidates[0].estimate.observedCost, priceVersion: priceVersion,
            isModelKnown: candidates[0].isModelKnown, promptVersion: labels.promptVersion)
    }
}

extension Estimate {
    /// Held whole, and charged whole if nobody settles it: nobody but the caller sees what the call uses, and forgetting to
    /// settle must not be cheaper than settling.
    fileprivate init(whole usage: TokenUsage, cost: MicroUSD) {
        self.init(tokens: usage.total, cost: cost, observed: usage, observedCost: cost)
    }
}
