import Testing
import WeirCore
import WeirEnforcer
import WeirLedger
import WeirProviders
import WeirRedis
import WeirTestSupport

@testable import WeirAdmin

/// Hand-made ledgers with known answers.
@Suite struct PolicyReplayTests {
    /// 2026-11-21T12:00:00Z.
    static let noonMs = 1_795_262_400_000
    static let (opus, sonnet, haiku) = ("claude-opus-4", "claude-sonnet-4", "claude-haiku-4")
    static let keys = ["k1": APIKeyRecord(id: "k1", team: "acme", user: "alice", groups: ["few"])]

    static func policy(
        _ limits: [Limit], models: [String] = [], ladder: [Policy.Rung] = [], costGuard: Policy.CostGuard? = nil,
        unpriced: Policy.UnpricedModels = .deny
    ) -> Policy {
        Policy(
            products: ["default": .init(callClass: "ai", billable: true, resource: "ai_credits", models: models)],
            classes: ["ai": .init(killSwitch: true)], limits: limits, ladder: ladder, costGuard: costGuard,
            unpricedModels: unpriced)
    }

    static func event(
        _ number: Int, atMs: Int, team: String = "acme", asked: String = sonnet, model: String? = nil,
        tokens: TokenUsage = TokenUsage(input: 1000, output: 100), latencyMs: Int = 0
    ) throws -> UsageEvent {
        let model = model ?? asked
        let price = try PriceTable.shipped().price(provider: "anthropic", model: model)?.price
        return UsageEvent(
            id: "e\(number)", calledAtMs: atMs, team: team, user: "alice", key: "k1", product: "default",
            billable: true, callClass: "ai", endpoint: "messages", provider: "anthropic", requestedModel: asked,
            model: model, tokens: tokens, cost: price?.cost(of: tokens) ?? MicroUSD(micros: 500), priceVersion: "1",
            isModelKnown: price != nil, latencyMs: latencyMs, status: 200)
    }

    static func replay(
        _ policy: Policy, _ events: [UsageEvent], overrides: [OverrideName: Int] = [:]
    ) throws -> [PolicyReplay.Step] {
        var replay = PolicyReplay(
            policy: policy, prices: try PriceTable.shipped(), keys: keys, overrides: overrides)
        return try events.map { try replay.step($0) }
    }

    /// `.` kept, `v` another model, `s` shortened, `x` denied.
    static func marks(_ steps: [PolicyReplay.Step]) -> String {
        steps.map {
            switch $0.outcome {
            case .kept: "."
            case .moved: "v"
            case .shortened: "s"
            case .denied: "x"
            }
        }.joined()
    }

    static func limit(
        _ unit: Limit.Unit, _ span: Limit.Span, _ amount: Int, per: Limit.Per = .user, groups: [String: Int] = [:],
        enforce: Limit.Enforcement = .reserve, downgradeAt: Int? = nil, clamp: Bool = false
    ) -> Limit {
        Limit(
            id: "l", per: per, unit: unit, span: span,
            match: enforce == .ledger ? .init(resource: "ai_credits") : .init(), amount: amount, groupAmounts: groups,
            enforce: enforce, downgradeAt: downgradeAt, clamp: clamp)
    }

    @Test func `a window of three in a minute denies the fourth, until the first has left`() throws {
        let times = [0, 1_000, 2_000, 59_999, 60_000, 60_500, 61_000]
        let events = try times.enumerated().map { try Self.event($0, atMs: Self.noonMs + $1) }
        let steps = try Self.replay(Self.policy([Self.limit(.requests, .window(ms: 60_000), 3)]), events)
        #expect(Self.marks(steps) == "...x.x.")
        guard case .denied(let denial) = steps[3].outcome else { return }
        #expect(denial.reason == .rateLimited && denial.limit == "l" && steps[3].cost == .zero)
    }

    @Test func `groups, overrides and shadow say how much`() throws {
        let events = try (0..<4).map { try Self.event($0, atMs: Self.noonMs + $0) }
        let few = Self.policy([Self.limit(.requests, .window(ms: 60_000), 4, groups: ["few": 2])])
        #expect(Self.marks(try Self.replay(few, events)) == "..xx")
        let name = OverrideName(limit: "l", subject: "user:acme/alice")
        #expect(Self.marks(try Self.replay(few, events, overrides: [name: 3])) == "...x")
        let shadow = Self.policy([Self.limit(.requests, .window(ms: 60_000), 1, enforce: .shadow)])
        #expect(Self.marks(try Self.replay(shadow, events)) == "....")
    }

    @Test func `a budget denies the surplus exactly, and begins anew with its period`() throws {
        // A call of Sonnet with 1,000 tokens in and 100 out costs 4,500 micro-dollars.
        let events =
            try (0..<5).map { try Self.event($0, atMs: Self.noonMs + $0) }
            + [try Self.event(9, atMs: Self.noonMs + UTCDay.lengthMs / 2)]
        let steps = try Self.replay(Self.policy([Self.limit(.usd, .period(.day), 3 * 4_500)]), events)
        #expect(Self.marks(steps) == "...xx.")
        #expect(steps.map(\.cost.micros) == [4_500, 4_500, 4_500, 0, 0, 4_500])
    }

    @Test func `calls at once end after their latency`() throws {
        let times = [(0, 100), (50, 100), (60, 10), (100, 10), (149, 10), (150, 10)]
        let events = try times.enumerated().map {
            try Self.event($0, atMs: Self.noonMs + $1.0, latencyMs: $1.1)
        }
        let steps = try Self.replay(Self.policy([Self.limit(.concurrency, .inFlight, 2)]), events)
        #expect(Self.marks(steps) == "..x...")
    }

    @Test func `as a budget fills up, calls for auto are priced at the cheaper model; exact ones are kept`() throws {
        let ladder: [Policy.Rung] = [.init(model: Self.opus), .init(model: Self.sonnet), .init(model: Self.haiku)]
        // Opus 22,500 a call, Sonnet 4,500.
        let budget = Self.limit(.usd, .period(.day), 100_000, downgradeAt: 4000)
        let asked = ["auto", "auto", "auto", Self.opus, "auto"]
        let events = try asked.enumerated().map {
            try Self.event($0, atMs: Self.noonMs + $0, asked: $1, model: Self.opus)
        }
        let steps = try Self.replay(Self.policy([budget], ladder: ladder), events)
        #expect(Self.marks(steps) == "..v.v")
        #expect(steps[2] == .init(outcome: .moved(to: Self.sonnet), cost: MicroUSD(micros: 4_500)))
        #expect(steps[3].cost == MicroUSD(micros: 22_500))
        // What was served by a cheaper model stays there while the dearer ones have room.
        let cheap = try (0..<3).map {
            try Self.event($0, atMs: Self.noonMs + $0, asked: "auto", model: Self.haiku)
        }
        #expect(Self.marks(try Self.replay(Self.policy([budget], ladder: ladder), cheap)) == "...")
        #expect(Self.marks(try Self.replay(Self.policy([], ladder: ladder), cheap)) == "...")
    }

    @Test func `clamp shortens the answer to what is left`() throws {
        let events = try (0..<3).map { try Self.event($0, atMs: Self.noonMs + $0) }
        // 1,100 tokens a call.
        let steps = try Self.replay(
            Self.policy([Self.limit(.tokens, .period(.day), 2_150, clamp: true)]), events)
        #expect(Self.marks(steps) == ".sx")
        // 50 of the 100 tokens of output.
        #expect(steps[1].cost.micros == 3_750)
    }

    @Test func `models that are not allowed or have no price are denied, and products that are gone`() throws {
        let event = try Self.event(0, atMs: Self.noonMs)
        func reason(_ policy: Policy, _ event: UsageEvent) throws -> Denial.Reason? {
            guard case .denied(let denial)? = try Self.replay(policy, [event]).first?.outcome else { return nil }
            return denial.reason
        }
        #expect(try reason(Self.policy([], models: [Self.haiku]), event) == .modelNotAllowed)
        let unheardOf = try Self.event(0, atMs: Self.noonMs, asked: "unheard-of")
        #expect(try reason(Self.policy([]), unheardOf) == .modelUnpriced)
        #expect(try reason(Self.policy([], unpriced: .dearest), unheardOf) == nil)
        var gone = event
        gone.product = "gone"
        #expect(try reason(Self.policy([]), gone) == .unknownRoute)
    }

    @Test func `the ledger's limits stop a team, and the cost guard everybody, until the period ends`() throws {
        let credits = Self.limit(.usd, .period(.day), 9_000, per: .team, enforce: .ledger)
        let order = ["acme", "acme", "acme", "globex"]
        var events = try order.enumerated().map { try Self.event($0, atMs: Self.noonMs + $0, team: $1) }
        events.append(try Self.event(9, atMs: Self.noonMs + UTCDay.lengthMs / 2))
        let limited = try Self.replay(Self.policy([credits]), events)
        #expect(Self.marks(limited) == "..x..")
        if case .denied(let denial) = limited[2].outcome { #expect(denial.reason == .teamLimited) }
        let costGuard = Policy.CostGuard(warn: nil, kill: MicroUSD(micros: 10_000), period: .day)
        let stopped = try Self.replay(Self.policy([], costGuard: costGuard), events)
        #expect(Self.marks(stopped) == "...x.")
        if case .denied(let denial) = stopped[3].outcome { #expect(denial.reason == .killSwitch) }
    }

    /// Calls that a gateway makes with this policy: it reserves a random bound above the usage, and may have downgraded.
    @Test(arguments: 0..<3)
    func `what a policy admitted it admits again, and a smaller amount denies exactly the surplus`(round: Int) throws {
        var generator = SeededGenerator()
        let ladder: [Policy.Rung] = [.init(model: Self.opus), .init(model: Self.sonnet), .init(model: Self.haiku)]
        let policy = Self.policy(
            [
                Limit(id: "calls", per: .user, unit: .requests, span: .window(ms: 60_000), amount: 4),
                Limit(id: "tokens", per: .team, unit: .tokens, span: .window(ms: 600_000), amount: 20_000),
                Limit(
                    id: "spend", per: .user, unit: .usd, span: .period(.day), amount: 1_500_000, downgradeAt: 6000),
            ], ladder: ladder)
        let prices = try PriceTable.shipped()
        var gateway = PolicySimulation(policy: policy)
        var admitted: [UsageEvent] = []
        var denied = 0
        var atMs = Self.noonMs
        for number in 0..<1500 {
            atMs += Int.random(in: 0...(Bool.random(using: &generator) ? 2_000 : 400_000), using: &generator)
            let asked = ["auto", Self.sonnet].randomElement(using: &generator) ?? ""
            let used = TokenUsage(
                input: .random(in: 1...1_000, using: &generator), output: .random(in: 1...300, using: &generator))
            var bound = used
            bound.input += .random(in: 0...1_000, using: &generator)
            bound.output += .random(in: 0...500, using: &generator)
            let models = asked == "auto" ? ladder.map(\.model) : [asked]
            let candidates = models.map { model in
                Candidate(
                    model: model,
                    estimate: Estimate(
                        tokens: bound.total,
                        cost: prices.price(provider: "anthropic", model: model)?.price.cost(of: bound) ?? .zero,
                        observed: .zero, observedCost: .zero))
            }
            let call = Call(
                team: "acme", user: "alice", key: "k1", product: "default", callClass: "ai", billable: true,
                resource: "ai_credits", model: models[0])
            let answer = try gateway.decide(call, candidates: candidates, recorded: 0, atMs: atMs)
            guard case .admitted(let admission) = answer else {
                denied += 1
                continue
            }
            let event = try Self.event(
                number, atMs: atMs, asked: asked, model: admission.call.model, tokens: used)
            // Counted at its bound: a gateway whose calls settle late.
            let estimate = candidates[admission.candidate].estimate
            gateway.charge(admission, tokens: estimate.tokens, cost: estimate.cost, atMs: atMs, endMs: atMs)
            admitted.append(event)
        }
        #expect(denied > 20 && admitted.count > 100, "seed \(generator.seed)")
        #expect(Set(admitted.map(\.model)).count >= 2, "seed \(generator.seed)")
        let again = try Self.replay(policy, admitted)
        #expect(again.allSatisfy { $0.outcome == .kept }, "seed \(generator.seed)")
        #expect(zip(again, admitted).allSatisfy { $0.cost == $1.cost }, "seed \(generator.seed)")

        // Of the calls of each day the first five, no others.
        let five = try Self.replay(Self.policy([Self.limit(.requests, .period(.day), 5)], ladder: ladder), admitted)
        var perDay: [Int: Int] = [:]
        for (event, step) in zip(admitted, five) {
            let day = UTCDay(containingMs: event.calledAtMs).number
            perDay[day, default: 0] += 1
            let isDenied = if case .denied = step.outcome { true } else { false }
            #expect(isDenied == (perDay[day, default: 0] > 5), "seed \(generator.seed)")
        }
    }
}
