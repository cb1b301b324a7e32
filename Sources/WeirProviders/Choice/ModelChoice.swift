import WeirCore

/// Which models may serve a call, the first as asked: pure, from what was asked, product, key, policy and prices.
///
/// A request is not translated, so only models of the call's own provider can serve it: those that the price table has
/// under that provider.
package struct ModelChoice {
    let product: Policy.Product
    let productName: String
    let record: APIKeyRecord
    let policy: Policy
    let prices: PriceTable
    let provider: Dialect
    let endpoint: Endpoint

    package init(
        product: Policy.Product, productName: String, record: APIKeyRecord, policy: Policy, prices: PriceTable,
        provider: Dialect, endpoint: Endpoint
    ) {
        self.product = product
        self.productName = productName
        self.record = record
        self.policy = policy
        self.prices = prices
        self.provider = provider
        self.endpoint = endpoint
    }

    /// What stands for a model of the ladder.
    package static let automatic = "auto"
    package static let tierPrefix = "tier:"

    package static func isAlias(_ model: String) -> Bool { model == automatic || model.hasPrefix(tierPrefix) }

    /// - Parameter asked: as the client wrote it.
    /// - Returns: at least one.
    package func models(for asked: String) throws(DeniedChoice) -> [String] {
        let wanted = product.rewritten(asked)
        if Self.isAlias(wanted) { return try models(ofAlias: wanted) }
        try requireAllowed(wanted)
        guard policy.downgrade == .always, endpoint.followsLadder, let place = place(of: wanted) else {
            return [wanted]
        }
        return [wanted] + rungs.dropFirst(place + 1).map(\.model).filter(isAllowed)
    }

    private func models(ofAlias alias: String) throws(DeniedChoice) -> [String] {
        guard endpoint != .embeddings else {
            throw DeniedChoice(
                Denial(.invalidRequest, "'\(alias)' stands for models that write, which do not embed. Name the model."))
        }
        let rungs = rungs
        let first =
            alias == Self.automatic
            ? rungs.indices.first : rungs.firstIndex { $0.tier == String(alias.dropFirst(Self.tierPrefix.count)) }
        guard let first else {
            let tiers = rungs.compactMap(\.tier).map { Self.tierPrefix + $0 }
            let known = (rungs.isEmpty ? [] : [Self.automatic]) + tiers
            throw DeniedChoice(
                Denial(
                    .invalidRequest,
                    known.isEmpty
                        ? "'\(alias)' names no model: the policy's ladder has none of this provider. Name the model."
                        : "'\(alias)' names no model of the policy's ladder. Use \(known.joined(separator: ", ")), or a model's name."
                ))
        }
        let models = rungs[first...].map(\.model)
        let allowed = models.filter(isAllowed)
        guard let served = allowed.first else {
            try requireAllowed(models[0])
            return models
        }
        return endpoint.followsLadder ? allowed : [served]
    }

    /// The ladder as far as it is this provider's.
    private var rungs: [Policy.Rung] {
        policy.ladder.filter { prices.price(provider: provider.rawValue, model: $0.model) != nil }
    }

    /// Where the model stands on the ladder, by whichever of its names.
    private func place(of model: String) -> Int? {
        guard let priced = prices.price(provider: provider.rawValue, model: model) else { return nil }
        return rungs.firstIndex { prices.price(provider: provider.rawValue, model: $0.model)?.model == priced.model }
    }

    private func isAllowed(_ model: String) -> Bool {
        (record.models.isEmpty || record.models.contains(model))
            && (product.models.isEmpty || product.models.contains(model))
    }

    private func requireAllowed(_ model: String) throws(DeniedChoice) {
        guard record.models.isEmpty || record.models.contains(model) else {
            throw DeniedChoice(Denial(.modelNotAllowed, "This API key may not use the model '\(model)'."))
        }
        guard product.models.isEmpty || product.models.contains(model) else {
            throw DeniedChoice(
                Denial(.modelNotAllowed, "The product '\(productName)' does not use the model '\(model)'."))
        }
    }
}

extension Endpoint {
    /// Whether a cheaper model may serve the call: counting tokens costs nothing, and embeddings of another model are of
    /// no use.
    package var followsLadder: Bool { spends && self != .embeddings }
}
