import WeirCore

/// The models that may serve a call, and what it may cost on each: pure, from what the request says.
package struct ServingModels {
    /// At least one, the first as asked.
    package let candidates: [Candidate]
    /// Of each candidate; of calls that cost nothing the dearest.
    package let prices: [ModelPrice]

    /// - Throws: also for a model without a price, where the policy denies such.
    package init(_ facts: RequestFacts, choice: ModelChoice) throws(DeniedChoice) {
        var candidates: [Candidate] = []
        var prices: [ModelPrice] = []
        for name in try choice.models(for: facts.model) {
            guard choice.endpoint.spends else {
                candidates.append(.free(name))
                prices.append(choice.prices.dearest(provider: choice.provider.rawValue))
                continue
            }
            // An option that the table has no price for makes the call one of a model without a price.
            let known = facts.unpricedOption == nil ? choice.price(of: name) : nil
            let price: ModelPrice
            if let known { price = known } else { price = try choice.unpriced(name, option: facts.unpricedOption) }
            candidates.append(
                Candidate(
                    model: name, estimate: facts.estimate(with: price), least: facts.leastEstimate(with: price),
                    isModelKnown: known != nil))
            prices.append(price)
        }
        (self.candidates, self.prices) = (candidates, prices)
    }

    /// The model that is asked for alone, as if it were its provider's dearest.
    package init(unpriced facts: RequestFacts, provider: Dialect, prices: PriceTable) {
        let dearest = prices.dearest(provider: provider.rawValue)
        candidates = [
            Candidate(model: facts.model, estimate: facts.estimate(with: dearest), isModelKnown: false)
        ]
        self.prices = [dearest]
    }

    /// A call that names no model and costs nothing.
    package init(freeOf provider: Dialect, prices: PriceTable) {
        candidates = [.free("-")]
        self.prices = [prices.dearest(provider: provider.rawValue)]
    }
}

extension Candidate {
    /// Free calls are admitted like all others, so that they count as requests, but hold neither tokens nor money.
    fileprivate static func free(_ model: String) -> Candidate {
        Candidate(model: model, estimate: Estimate(tokens: 0, cost: .zero, observed: .zero, observedCost: .zero))
    }
}

extension ModelChoice {
    func price(of model: String) -> ModelPrice? { prices.price(provider: provider.rawValue, model: model) }

    /// A model without a price is denied, charged as the dearest there is, or let through at no cost and marked: its
    /// events say `known_model: false`, and can be charged later (`weir ledger reprice`).
    package func unpriced(_ model: String, option: String? = nil) throws(DeniedChoice) -> ModelPrice {
        switch policy.unpricedModels {
        case .deny:
            let what = option.map { "'\($0)' of the model" } ?? "The model"
            throw DeniedChoice(
                Denial(.modelUnpriced, "\(what) '\(model)' has no price here, so it cannot be charged."))
        case .dearest: return prices.dearest(provider: provider.rawValue)
        case .flag:
            var price = prices.dearest(provider: provider.rawValue)
            price.price = .free
            return price
        }
    }
}
