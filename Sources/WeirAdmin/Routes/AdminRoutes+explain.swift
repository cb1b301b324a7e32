import Hummingbird
import WeirCore
import WeirEnforcer
import WeirLedger
import WeirProviders

extension AdminRoutes {
    var explainRoutes: [AdminRoute] {
        [
            .get(
                "limits/explain", "Every limit that a call would meet now, and the verdict; nothing is held",
                ExplainQuestion.parameters, answer: ExplainAnswer.self
            ) { _, context in try await answerExplanation(context) }
        ]
    }

    private func answerExplanation(_ context: AdminContext) async throws -> Response {
        let question = try ExplainQuestion(context.query)
        do {
            return try answer(await explain(question))
        } catch let error as EnforcerError {
            switch error {
            case .outage(let reason), .degraded(let reason):
                throw AdminError(
                    .redisUnavailable, "no decision can be made: \(reason)",
                    hint: "a gateway does what the policy's outage allows, and answers with 503 degraded")
            case .misconfigured(let reason):
                throw AdminError(
                    .redisUnavailable, "no decision can be made: \(reason)", hint: "weir doctor says what to do")
            }
        }
    }

    /// In the order of a gateway: who calls, through which product, on which models, and then the engine.
    private func explain(_ question: ExplainQuestion) async throws -> ExplainAnswer {
        let explainer = Explainer(pool: publication.redis, logger: logger)
        let situation = try await explainer.situation()
        let policy = situation.policy
        let (known, usable) = try await record(question, explainer, situation)
        let record = usable ?? known
        var described = ExplainedCall(question, record)
        func denied(_ denial: Denial) -> ExplainAnswer {
            ExplainAnswer(described, policy: policy, nowMs: situation.nowMs, .denied(denial), limits: [])
        }
        guard usable != nil else {
            return denied(Denial(.unauthorized, "The API key is missing or not valid."))
        }
        let (name, product): (String, Policy.Product)
        do throws(DeniedChoice) {
            (name, product) = try ProductChoice.choose(path: question.product, record: record, policy: policy)
        } catch { return denied(error.denial) }
        described.product = name
        described.callClass = product.callClass
        guard question.caller != .nobody || (product.anonymous && !product.billable) else {
            return denied(Denial(.unauthorized, "The API key is missing or not valid."))
        }

        let prices = try await pricesToday()
        let dialect =
            question.provider
            ?? Dialect.likely(for: question.model, through: product, policy: policy, prices: prices)
        let endpoint = Endpoint.likely(for: dialect, model: question.model, prices: prices)
        described.provider = dialect.rawValue
        let facts = RequestFacts(
            endpoint: endpoint, model: question.model, inputTokens: question.inputTokens,
            maxOutputTokens: question.maxTokens)
        let choice = ModelChoice(
            product: product, productName: name, record: record, policy: policy, prices: prices, provider: dialect,
            endpoint: endpoint)
        var refused: Denial?
        let serving: ServingModels
        do throws(DeniedChoice) {
            serving = try ServingModels(facts, choice: choice)
        } catch {
            // Its limits are of interest all the same: as if it were the dearest model.
            refused = error.denial
            serving = ServingModels(unpriced: facts, provider: dialect, prices: prices)
        }
        let call = Call(
            team: record.team, user: record.user, groups: record.groups, key: record.id, ip: question.ip,
            product: name, callClass: product.callClass, billable: product.billable, resource: product.resource,
            model: serving.candidates[0].model)
        let explanation = try await explainer.explain(call, candidates: serving.candidates, in: situation)
        return ExplainAnswer(
            described, policy: policy, nowMs: explanation.nowMs,
            refused.map { .denied($0) } ?? .init(explanation.verdict, question.model, serving, facts),
            limits: try await withLedger(explanation, call, policy).map(ExplainedLimitLine.init))
    }

    /// Whose call it is: as the ledger knows the key, and as the nodes do; nil: they refuse it.
    private func record(
        _ question: ExplainQuestion, _ explainer: Explainer, _ situation: Explainer.Situation
    ) async throws -> (known: APIKeyRecord, usable: APIKeyRecord?) {
        let key: LedgerKey
        switch question.caller {
        case .nobody: return (.anonymous, .anonymous)
        case .key(let id):
            guard let found = try await ledger.key(id: id) else {
                throw AdminError(.notFound, "there is no key \(id)", hint: "weir keys list")
            }
            key = found
        case .member(let team, let user):
            let keys = try await ledger.keys(team: try valid(team, "a team"))
            guard let newest = keys.last(where: { $0.revokedAtMs == nil && $0.record.user == user }) else {
                let users = Set(keys.compactMap(\.record.user)).sorted().prefix(20).joined(separator: ", ")
                throw AdminError(
                    .notFound, "team \(team) has no key \(user.map { "of the user \($0)" } ?? "without a user")",
                    hint: users.isEmpty ? "weir keys list" : "users: \(users)")
            }
            key = newest
        }
        return (key.record, try await explainer.identify(keySHA256: key.sha256, in: situation))
    }

    /// With what the ledger says was used of the limits that it enforces.
    private func withLedger(
        _ explanation: Explanation, _ call: Call, _ policy: Policy
    ) async throws -> [ExplainedLimit] {
        var limits = explanation.limits
        for (index, explained) in limits.enumerated() where explained.limit.enforce == .ledger {
            guard case .period(let period) = explained.limit.span else { continue }
            let spends = try await ledger.spend(
                by: .team, in: DayRange(period.containing(ms: explanation.nowMs)),
                of: explained.limit.match.selection(in: policy))
            limits[index].used =
                spends.first { $0.team == call.team }?.totals.amount(in: explained.limit.unit) ?? 0
        }
        return limits
    }
}
