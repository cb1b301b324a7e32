import NIOCore
import WeirCore
import WeirProviders

/// What a request asks for, which models may serve it, and what it may cost on each, before anything is reserved; and
/// what goes out once one of them has been chosen.
struct CallPlan {
    /// As asked for; `-` where a call has none.
    let requestedModel: String
    /// The models that may serve it, the first as asked.
    let candidates: [Candidate]
    private let endpoint: Endpoint
    private let dialect: Dialect
    private let prices: PriceTable
    /// Of each candidate; of calls that cost nothing the dearest.
    private let models: [ModelPrice]
    private let facts: RequestFacts?
    private let body: ByteBuffer

    init(
        route: Route, body: ByteBuffer, record: APIKeyRecord, product: (name: String, rules: Policy.Product),
        policy: Policy, prices: PriceTable
    ) throws(Refusal) {
        endpoint = route.endpoint
        dialect = route.provider
        self.prices = prices
        self.body = body
        guard endpoint != .models else {
            guard body.readableBytes == 0 else {
                throw .denial(Denial(.invalidRequest, "This request takes no body."))
            }
            (requestedModel, facts) = ("-", nil)
            candidates = [Candidate(model: "-", estimate: Self.free)]
            models = [prices.dearest(provider: dialect.rawValue)]
            return
        }
        let facts = try Self.facts(body, route)
        let choice = ModelChoice(
            product: product.rules, productName: product.name, record: record, policy: policy, prices: prices,
            provider: dialect, endpoint: endpoint)
        var candidates: [Candidate] = []
        var models: [ModelPrice] = []
        for name in try choice.models(for: facts.model) {
            guard endpoint.spends else {
                // Free calls are admitted like all others, so that they count as requests, but hold neither tokens nor
                // money.
                candidates.append(Candidate(model: name, estimate: Self.free))
                models.append(prices.dearest(provider: dialect.rawValue))
                continue
            }
            // An option that the table has no price for makes the call one of a model without a price.
            let known =
                facts.unpricedOption == nil ? prices.price(provider: dialect.rawValue, model: name) : nil
            let price: ModelPrice
            if let known {
                price = known
            } else {
                price = try Self.unpriced(name, option: facts.unpricedOption, dialect.rawValue, policy, prices)
            }
            candidates.append(
                Candidate(
                    model: name, estimate: facts.estimate(with: price), least: facts.leastEstimate(with: price),
                    isModelKnown: known != nil))
            models.append(price)
        }
        (requestedModel, self.facts) = (facts.model, facts)
        (self.candidates, self.models) = (candidates, models)
    }

    private static let free = Estimate(tokens: 0, cost: .zero, observed: .zero, observedCost: .zero)

    private static func facts(_ body: ByteBuffer, _ route: Route) throws(Refusal) -> RequestFacts {
        let result = body.withUnsafeReadableBytes { bytes in
            Result { () throws(RequestError) in
                try RequestFacts(bytes, endpoint: route.endpoint, pathModel: route.modelPath?.model)
            }
        }
        switch result {
        case .success(let facts): return facts
        case .failure(let error): throw .denial(error.denial)
        }
    }

    /// A model without a price is denied, or charged as the dearest there is; it is never free.
    static func unpriced(
        _ model: String, option: String? = nil, _ provider: String, _ policy: Policy, _ prices: PriceTable
    ) throws(Refusal) -> ModelPrice {
        switch policy.unpricedModels {
        case .deny:
            let what = option.map { "'\($0)' of the model" } ?? "The model"
            throw .denial(Denial(.modelUnpriced, "\(what) '\(model)' has no price here, so it cannot be charged."))
        case .dearest, .flag: return prices.dearest(provider: provider)
        }
    }

    /// The call's usage event as it would be if nothing more were heard of it, served as asked.
    func event(for call: Call, labels: CallLabels, id: String) -> UsageEvent {
        UsageEvent(
            id: id, calledAtMs: 0, team: call.team, user: call.user, key: call.key, session: labels.session,
            request: id, product: call.product, billable: call.billable, callClass: call.callClass,
            endpoint: endpoint.rawValue, provider: dialect.rawValue, role: labels.role, task: labels.task,
            requestedModel: requestedModel, model: candidates[0].model, tokens: candidates[0].estimate.observed,
            cost: candidates[0].estimate.observedCost, priceVersion: prices.version,
            isModelKnown: candidates[0].isModelKnown, promptVersion: labels.promptVersion)
    }

    // MARK: Once it is admitted

    /// What is forwarded: byte for byte the client's, except for the model that serves, a bound of output that what is
    /// held affords, and usage where it has to be asked for.
    func body(for reservation: Reservation) -> ByteBuffer? {
        guard let facts else { return nil }
        let model = candidates[reservation.candidate].model
        let bound = outputBound(for: reservation)
        // Most bodies go out untouched, without being copied.
        guard facts.needsUsage || bound != nil || model != facts.model else { return body }
        let rewritten = facts.rewritten(Array(body.readableBytesView), model: model, maxOutputTokens: bound)
        return rewritten.map { ByteBuffer(bytes: $0) } ?? body
    }

    /// The most output that what is held affords; nil: what was asked for.
    func outputBound(for reservation: Reservation) -> Int? {
        guard let facts, let bound = reservation.bound else { return nil }
        return facts.outputBound(within: bound.tokens, bound.cost, with: models[reservation.candidate])
    }

    /// The event as ``event(for:labels:id:)`` made it, for the model that serves.
    func event(_ event: UsageEvent, for reservation: Reservation) -> UsageEvent {
        var event = event
        let candidate = candidates[reservation.candidate]
        (event.model, event.isModelKnown) = (candidate.model, candidate.isModelKnown)
        (event.tokens, event.cost) = (candidate.estimate.observed, candidate.estimate.observedCost)
        event.extra["max_tokens_clamped_to"] = outputBound(for: reservation).map(String.init)
        return event
    }

    func meter(for reservation: Reservation) -> CallMeter {
        CallMeter(
            endpoint: endpoint, dialect: dialect, price: models[reservation.candidate], prices: prices,
            assumedInput: candidates[reservation.candidate].estimate.observed,
            hidesUsageChunk: facts?.needsUsage ?? false)
    }

    /// What the client is told of the model.
    func served(by reservation: Reservation) -> ServedModel {
        let model = candidates[reservation.candidate].model
        return ServedModel(
            model: model == requestedModel ? nil : model,
            downgradedFrom: reservation.candidate > 0 ? candidates[0].model : nil,
            clampedTo: outputBound(for: reservation))
    }
}

/// What of a call is not as it was asked for: headers of its answer.
struct ServedModel: Equatable {
    /// `weir-model`: the model that serves, if it was not asked for by this name.
    let model: String?
    /// `weir-downgraded-from`: the model that would have served but for a budget.
    let downgradedFrom: String?
    /// `weir-max-tokens`: the bound of output that the budget affords.
    let clampedTo: Int?
}
