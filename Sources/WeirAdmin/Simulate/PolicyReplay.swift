import WeirCore
import WeirEnforcer
import WeirProviders
import WeirRedis

/// Recorded calls, one after the other, as a proposed policy would have taken them. Pure; in order of time.
///
/// What a call is recorded to have used is both what it would have reserved and what it would have cost. A call that is
/// denied uses nothing and does not come again.
struct PolicyReplay {
    /// What would have become of one call.
    struct Step: Equatable {
        enum Outcome: Equatable {
            case kept
            /// Another model would have served it.
            case moved(to: String)
            /// Its answer would have been shortened.
            case shortened
            case denied(Denial)
        }

        var outcome: Outcome
        var cost: MicroUSD
    }

    private let policy: Policy
    private let prices: PriceTable
    /// By id, for groups and allowed models.
    private let keys: [String: APIKeyRecord]
    private var simulation: PolicySimulation

    init(policy: Policy, prices: PriceTable, keys: [String: APIKeyRecord], overrides: [OverrideName: Int]) {
        self.policy = policy
        self.prices = prices
        self.keys = keys
        simulation = PolicySimulation(policy: policy, overrides: overrides)
    }

    /// - Throws: ``EnforcerError/misconfigured(reason:)`` for a policy that no gateway could obey.
    mutating func step(_ event: UsageEvent) throws(EnforcerError) -> Step {
        let record =
            event.key.flatMap { keys[$0] }
            ?? APIKeyRecord(id: event.key ?? APIKeyRecord.anonymous.id, team: event.team, user: event.user)
        let name: String
        let product: Policy.Product
        let candidates: [Candidate]
        do throws(DeniedChoice) {
            (name, product) = try ProductChoice.choose(path: event.product, record: record, policy: policy)
            candidates = try self.candidates(event, record, name, product)
        } catch {
            return Step(outcome: .denied(error.denial), cost: .zero)
        }
        let call = Call(
            team: event.team, user: event.user, groups: record.groups, key: record.id, product: name,
            callClass: product.callClass, billable: product.billable, resource: product.resource,
            model: candidates[0].model)
        let recorded = candidates.firstIndex { $0.model == event.model } ?? 0
        switch try simulation.decide(call, candidates: candidates, recorded: recorded, atMs: event.calledAtMs) {
        case .denied(let denial): return Step(outcome: .denied(denial), cost: .zero)
        case .admitted(let admission):
            let served = candidates[admission.candidate]
            var (tokens, cost) = (served.estimate.tokens, served.estimate.cost)
            if let bound = admission.bound {
                (tokens, cost) = shortened(event, served, bound)
            }
            simulation.charge(
                admission, tokens: tokens, cost: cost, atMs: event.calledAtMs,
                endMs: event.calledAtMs.addingSaturated(max(0, event.latencyMs)))
            if served.model != event.model { return Step(outcome: .moved(to: served.model), cost: cost) }
            return Step(outcome: admission.bound == nil ? .kept : .shortened, cost: cost)
        }
    }

    /// The models that may serve the call, with what it used: as recorded, or at another model's price.
    private func candidates(
        _ event: UsageEvent, _ record: APIKeyRecord, _ name: String, _ product: Policy.Product
    ) throws(DeniedChoice) -> [Candidate] {
        guard let provider = Dialect(rawValue: event.provider), let endpoint = Endpoint(rawValue: event.endpoint),
            endpoint != .models
        else { return [candidate(event, on: event.model, cost: event.cost)] }
        let choice = ModelChoice(
            product: product, productName: name, record: record, policy: policy, prices: prices, provider: provider,
            endpoint: endpoint)
        var candidates: [Candidate] = []
        for model in try choice.models(for: event.requestedModel) {
            let price = prices.price(provider: event.provider, model: model)?.price
            var cost = event.cost
            if model == event.model {
                if endpoint.spends, price == nil || !event.isModelKnown { _ = try choice.unpriced(model) }
            } else if endpoint.spends {
                if let price {
                    cost = price.cost(of: event.tokens)
                } else {
                    cost = try choice.unpriced(model).price.cost(of: event.tokens)
                }
            }
            candidates.append(candidate(event, on: model, cost: cost))
        }
        return candidates
    }

    private func candidate(_ event: UsageEvent, on model: String, cost: MicroUSD) -> Candidate {
        var least: Estimate?
        if event.tokens.output > 1, let short = usage(event, output: 1, on: model) {
            least = Estimate(tokens: short.tokens, cost: short.cost, observed: .zero, observedCost: .zero)
        }
        return Candidate(
            model: model,
            estimate: Estimate(tokens: event.tokens.total, cost: cost, observed: .zero, observedCost: .zero),
            least: least)
    }

    /// The call with a shorter answer; nil: nothing says what that costs.
    private func usage(_ event: UsageEvent, output: Int, on model: String) -> (tokens: Int, cost: MicroUSD)? {
        guard let price = prices.price(provider: event.provider, model: model)?.price else { return nil }
        var tokens = event.tokens
        tokens.output = output
        tokens.reasoning = min(tokens.reasoning, output)
        return (tokens.total, price.cost(of: tokens))
    }

    /// With the longest answer that stays within the bound, found by halving.
    private func shortened(
        _ event: UsageEvent, _ served: Candidate, _ bound: Reservation.Bound
    ) -> (tokens: Int, cost: MicroUSD) {
        var (fits, tooMuch) = (1, max(2, event.tokens.output))
        while tooMuch - fits > 1 {
            let middle = fits + (tooMuch - fits) / 2
            guard let usage = usage(event, output: middle, on: served.model) else { break }
            if usage.tokens <= bound.tokens ?? .max, usage.cost.micros <= bound.cost?.micros ?? .max {
                fits = middle
            } else {
                tooMuch = middle
            }
        }
        return usage(event, output: fits, on: served.model) ?? (served.estimate.tokens, served.estimate.cost)
    }
}
