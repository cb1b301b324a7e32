import NIOCore
import WeirCore
import WeirProviders

/// What a request asks for and what it may cost, before anything is reserved.
struct CallPlan {
    /// As asked for; `-` where a call has none.
    let model: String
    let estimate: Estimate
    /// What is forwarded: byte for byte the client's, except where usage has to be asked for.
    let body: ByteBuffer?
    let meter: CallMeter
    private let endpoint: Endpoint
    private let dialect: Dialect
    private let priceVersion: String
    private let isPriced: Bool
    private var unpricedOption: String?

    init(route: Route, body: ByteBuffer, record: APIKeyRecord, policy: Policy, prices: PriceTable) throws(Refusal) {
        endpoint = route.endpoint
        dialect = route.provider
        priceVersion = prices.version
        var hidesUsageChunk = false
        if endpoint == .models {
            guard body.readableBytes == 0 else {
                throw .denial(Denial(.invalidRequest, "This request takes no body."))
            }
            (model, self.body) = ("-", nil)
            (isPriced, estimate) = (true, Self.free)
        } else {
            let facts = try Self.facts(body, endpoint)
            model = facts.model
            unpricedOption = facts.unpricedOption
            guard record.models.isEmpty || record.models.contains(facts.model) else {
                throw .denial(Denial(.modelNotAllowed, "This API key may not use the model '\(facts.model)'."))
            }
            hidesUsageChunk = facts.needsUsage
            self.body =
                facts.needsUsage
                ? facts.rewritten(Array(body.readableBytesView)).map { ByteBuffer(bytes: $0) } ?? body : body
            if endpoint.spends {
                // An option that the table has no price for makes the call one of a model without a price.
                let known =
                    facts.unpricedOption == nil
                    ? prices.price(provider: route.provider.rawValue, model: facts.model) : nil
                isPriced = known != nil
                let price: ModelPrice
                if let known {
                    price = known
                } else {
                    price = try Self.unpriced(facts, route.provider, policy, prices)
                }
                estimate = facts.estimate(with: price)
                meter = CallMeter(
                    endpoint: endpoint, dialect: dialect, price: price, prices: prices,
                    assumedInput: estimate.observed, hidesUsageChunk: hidesUsageChunk)
                return
            }
            (isPriced, estimate) = (true, Self.free)
        }
        // Free calls are admitted like all others, so that they count as requests, but hold neither tokens nor money.
        meter = CallMeter(
            endpoint: endpoint, dialect: dialect, price: prices.dearest(provider: dialect.rawValue), prices: prices,
            assumedInput: .zero, hidesUsageChunk: false)
    }

    private static let free = Estimate(tokens: 0, cost: .zero, observed: .zero, observedCost: .zero)

    private static func facts(_ body: ByteBuffer, _ endpoint: Endpoint) throws(Refusal) -> RequestFacts {
        let result = body.withUnsafeReadableBytes { bytes in
            Result { () throws(RequestError) in try RequestFacts(bytes, endpoint: endpoint) }
        }
        switch result {
        case .success(let facts): return facts
        case .failure(let error): throw .denial(error.denial)
        }
    }

    /// A model without a price is denied, charged as the dearest there is, or let through at no cost and marked: its
    /// events say `known_model: false`, and can be charged later (`weir ledger reprice`).
    private static func unpriced(
        _ facts: RequestFacts, _ dialect: Dialect, _ policy: Policy, _ prices: PriceTable
    ) throws(Refusal) -> ModelPrice {
        switch policy.unpricedModels {
        case .deny:
            let what = facts.unpricedOption.map { "'\($0)' of the model" } ?? "The model"
            throw .denial(
                Denial(.modelUnpriced, "\(what) '\(facts.model)' has no price here, so it cannot be charged."))
        case .dearest: return prices.dearest(provider: dialect.rawValue)
        case .flag:
            var price = prices.dearest(provider: dialect.rawValue)
            price.price = .free
            return price
        }
    }

    /// The call's usage event as it would be if nothing more were heard of it.
    func event(for call: Call, labels: CallLabels, id: String) -> UsageEvent {
        UsageEvent(
            id: id, calledAtMs: 0, team: call.team, user: call.user, key: call.key, session: labels.session,
            request: id, product: call.product, billable: call.billable, callClass: call.callClass,
            endpoint: endpoint.rawValue, provider: dialect.rawValue, role: labels.role, task: labels.task,
            requestedModel: model, model: model, tokens: estimate.observed, cost: estimate.observedCost,
            priceVersion: priceVersion, isModelKnown: isPriced, promptVersion: labels.promptVersion,
            extra: unpricedOption.map { [UsageEvent.unpricedOption: $0] } ?? [:])
    }
}
