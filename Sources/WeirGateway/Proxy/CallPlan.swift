import NIOCore
import WeirCore
import WeirProviders

/// What a request asks for, which models may serve it, and what it may cost on each, before anything is reserved; and
/// what goes out once one of them has been chosen.
struct CallPlan {
    /// As asked for; `-` where a call has none.
    let requestedModel: String
    private let endpoint: Endpoint
    private let dialect: Dialect
    private let prices: PriceTable
    private let serving: ServingModels
    private let facts: RequestFacts?
    private let body: ByteBuffer

    /// The models that may serve it, the first as asked.
    var candidates: [Candidate] { serving.candidates }

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
            serving = ServingModels(freeOf: dialect, prices: prices)
            return
        }
        let facts = try Self.facts(body, route)
        let choice = ModelChoice(
            product: product.rules, productName: product.name, record: record, policy: policy, prices: prices,
            provider: dialect, endpoint: endpoint)
        do throws(DeniedChoice) {
            serving = try ServingModels(facts, choice: choice)
        } catch {
            throw .denial(error.denial)
        }
        (requestedModel, self.facts) = (facts.model, facts)
    }

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

    /// The call's usage event as it would be if nothing more were heard of it, served as asked.
    func event(for call: Call, labels: CallLabels, id: String) -> UsageEvent {
        UsageEvent(
            id: id, calledAtMs: 0, team: call.team, user: call.user, key: call.key, session: labels.session,
            request: id, product: call.product, billable: call.billable, callClass: call.callClass,
            endpoint: endpoint.rawValue, provider: dialect.rawValue, role: labels.role, task: labels.task,
            requestedModel: requestedModel, model: candidates[0].model, tokens: candidates[0].estimate.observed,
            cost: candidates[0].estimate.observedCost, priceVersion: prices.version,
            isModelKnown: candidates[0].isModelKnown, promptVersion: labels.promptVersion,
            extra: facts?.unpricedOption.map { [UsageEvent.unpricedOption: $0] } ?? [:])
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
        return facts.outputBound(within: bound.tokens, bound.cost, with: serving.prices[reservation.candidate])
    }

    /// The event as ``event(for:labels:id:)`` made it, for the model that serves.
    func event(_ event: consuming UsageEvent, for reservation: Reservation) -> UsageEvent {
        let candidate = candidates[reservation.candidate]
        (event.model, event.isModelKnown) = (candidate.model, candidate.isModelKnown)
        (event.tokens, event.cost) = (candidate.estimate.observed, candidate.estimate.observedCost)
        if let bound = outputBound(for: reservation) { event.extra["max_tokens_clamped_to"] = String(bound) }
        if let held = reservation.heldText { event.extra[UsageEvent.reserved] = held }
        return event
    }

    func meter(for reservation: Reservation) -> CallMeter {
        CallMeter(
            endpoint: endpoint, dialect: dialect, price: serving.prices[reservation.candidate], prices: prices,
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
