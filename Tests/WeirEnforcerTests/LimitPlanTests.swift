import Testing
import WeirCore
import WeirRedis

@testable import WeirEnforcer

@Suite struct LimitPlanTests {
    static let nowMs = 1_795_262_400_000

    static let home = Shard(number: 7)

    static func plan(
        _ limits: [Limit], _ call: Call = TestNode.call(), overrides: [Int: Int] = [:]
    ) throws(EnforcerError) -> LimitPlan {
        var policy = TestNode.policy
        policy.limits = limits
        return try LimitPlan(
            CoveringLimits(policy: policy, call: call, candidates: [candidate(call)]), overrides: overrides, call: call,
            candidates: [candidate(call)], home: home, shardCount: 16, nowMs: nowMs)
    }

    static func candidate(_ call: Call) -> Candidate {
        Candidate(model: call.model, estimate: TestNode.estimate)
    }

    static func limit(
        _ per: Limit.Per, amount: Int = 10, groups: [String: Int] = [:], rule: Limit.GroupRule = .min,
        unit: Limit.Unit = .usd
    ) -> Limit {
        Limit(
            id: "l-\(per.rawValue)", per: per, unit: unit, span: unit == .concurrency ? .inFlight : .period(.day),
            amount: amount, groupAmounts: groups, groupRule: rule)
    }

    @Test func `each kind of limit counts for its subject`() throws {
        var call = TestNode.call(groups: ["b", "a", "b"])
        call.ip = "192.0.2.7"
        let plan = try Self.plan(Limit.Per.allCases.map { Self.limit($0) }, call)
        #expect(
            plan.home.steps.map(\.subject.text) == [
                "user:acme/alice", "team:acme", "group:acme/b", "group:acme/a", "key:k1",
            ])
        #expect(plan.sides.map { $0.steps.map(\.subject.text) } == [["ip:192.0.2.7"], ["product:default"], ["global"]])
        #expect(plan.sides.map(\.shard) == ["ip:192.0.2.7", "product:default", "global"].map { Shard(of: $0) })
        let steps = plan.home.steps + plan.sides.flatMap(\.steps)
        #expect(Set(steps.map(\.counter.key)).count == 8, "no counter twice")
        #expect(plan.home.steps[0].counter.key == "weir:{07}:budget:l-user:user:acme/alice:2026-11-21")
        call.user = nil
        call.ip = nil
        call.groups = []
        #expect(
            try Self.plan([Self.limit(.user), Self.limit(.ip), Self.limit(.group)], call).home.steps.map(\.subject.text)
                == ["key:k1"])
    }

    @Test func `counters in the call's own shard are asked there, several in another one together`() throws {
        var other = Self.limit(.global)
        other.id = "l-global-2"
        let call = TestNode.call()
        var policy = TestNode.policy
        policy.limits = [Self.limit(.global), Self.limit(.user), other]
        let candidates = [Self.candidate(call)]
        let covering = CoveringLimits(policy: policy, call: call, candidates: candidates)
        func plan(home: Shard) throws -> LimitPlan {
            try LimitPlan(
                covering, call: call, candidates: candidates, home: home, shardCount: 16, nowMs: Self.nowMs)
        }
        let apart = try plan(home: Self.home)
        #expect(Shard(of: "global") != Self.home)
        #expect(apart.home.steps.map(\.limit.id) == ["l-user"])
        #expect(apart.sides.map { $0.steps.map(\.limit.id) } == [["l-global", "l-global-2"]])
        let together = try plan(home: Shard(of: "global"))
        #expect(together.sides.isEmpty)
        #expect(together.home.steps.map(\.limit.id) == ["l-global", "l-user", "l-global-2"])
    }

    @Test func `an anonymous caller is counted by address, also where users and keys are`() throws {
        var call = TestNode.call(team: "anonymous", user: nil, billable: false)
        call.key = "anonymous"
        call.ip = "192.0.2.7"
        let limits = [Limit.Per.user, .key, .ip, .team].map { Self.limit($0) }
        let plan = try Self.plan(limits, call)
        #expect(plan.home.steps.isEmpty)
        #expect(
            plan.sides.map { $0.steps.map(\.subject.text) } == [
                ["ip:192.0.2.7", "ip:192.0.2.7", "ip:192.0.2.7"], ["team:anonymous"],
            ])
        #expect(plan.sides.map(\.shard) == [Shard(of: "ip:192.0.2.7"), Shard(of: "anonymous")])
        // Without an address it is still somebody.
        call.ip = nil
        #expect(try Self.plan(limits, call).sides.flatMap { $0.steps.map(\.subject.text) }.contains("key:anonymous"))
    }

    @Test func `an override goes before groups and default, and every amount says where it is from`() throws {
        let limit = Self.limit(.user, amount: 50, groups: ["a": 20])
        func step(_ groups: [String], _ overrides: [Int: Int]) throws -> LimitPlan.Step {
            try #require(try Self.plan([limit], TestNode.call(groups: groups), overrides: overrides).home.steps.first)
        }
        for (groups, overrides, amount, source) in [
            ([], [:], 50, "default"), (["a"], [:], 20, "group:a"), (["a"], [0: 75], 75, "override"),
            ([], [0: 0], 0, "override"), ([], [1: 75], 50, "default"),
        ] as [([String], [Int: Int], Int, String)] {
            let step = try step(groups, overrides)
            #expect((step.amount, step.source.text) == (amount, source))
        }
    }

    @Test(arguments: [(nil, true), (100, true), (101, false), (0, false)] as [(Int?, Bool)])
    func `a log is kept only for amounts that suit it`(override: Int?, isLog: Bool) throws {
        let limit = Limit(id: "l", per: .user, unit: .requests, span: .window(ms: 60_000), amount: 5)
        let step = try Self.plan([limit], overrides: override.map { [0: $0] } ?? [:]).home.steps.first
        #expect(step?.counter.counter == (isLog ? .log(windowMs: 60_000) : .ring(windowMs: 60_000)))
    }

    @Test(arguments: [
        (["a"], Limit.GroupRule.min, 20), (["a", "b"], .min, 20), (["a", "b"], .max, 30), (["a", "free"], .min, 20),
        (["a", "free"], .max, 0), (["free"], .min, 0), (["none"], .min, 50), ([], .max, 50),
    ])
    func `a user's amount is that of its groups, least or greatest, else the default`(
        groups: [String], rule: Limit.GroupRule, amount: Int
    ) throws {
        let limit = Self.limit(.user, amount: 50, groups: ["a": 20, "b": 30, "free": 0], rule: rule)
        #expect(try Self.plan([limit], TestNode.call(groups: groups)).home.steps.map(\.amount) == [amount])
    }

    @Test func `a group's own counter has the group's own amount, whatever else the caller is in`() throws {
        let limit = Self.limit(.group, amount: 50, groups: ["a": 20])
        #expect(try Self.plan([limit], TestNode.call(groups: ["a", "b"])).home.steps.map(\.amount) == [20, 50])
    }

    @Test func `each unit reserves what the estimate says`() throws {
        let plan = try Self.plan(Limit.Unit.allCases.map { Self.limit(.user, unit: $0) })
        #expect(plan.home.steps.map(\.cost) == [1, 1_000, 5_000, 1])
    }

    @Test func `sixteen counters fit in one step, seventeen are the operator's mistake`() throws {
        let limits = (0..<17).map { number in
            var limit = Self.limit(.user)
            limit.id = "l\(number)"
            return limit
        }
        #expect(try Self.plan(Array(limits.prefix(16))).home.steps.count == 16)
        let error = #expect(throws: EnforcerError.self) { try Self.plan(limits) }
        guard case .misconfigured? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a limit of the ledger is not asked, one in shadow never denies`() throws {
        var ledger = Self.limit(.team)
        ledger.enforce = .ledger
        var shadow = Self.limit(.user)
        shadow.enforce = .shadow
        let plan = try Self.plan([ledger, shadow, Self.limit(.key)])
        #expect(plan.home.scriptEntries(candidates: plan.candidates).map(\.denies) == [false, true])
    }
}

@Suite struct DenialTests {
    static func denial(_ unit: Limit.Unit, _ span: Limit.Span, retryAfterMs: Int?) -> Denial {
        let limit = Limit(id: "l", per: .user, unit: unit, span: span, amount: 7)
        let subject = Subject.user(team: "acme", id: "alice")
        let counter = CounterKey(
            shard: Shard(number: 7), limit: "l", subject: subject.text, counter: limit.counter,
            atMs: LimitPlanTests.nowMs)
        return Denial(
            step: .init(
                counted: CountedLimit(
                    limit: limit, subject: subject, subjectText: subject.text, shard: Shard(number: 7),
                    counter: counter, amount: 7, source: .override), cost: 3, mayGiveWay: true),
            used: 5, reserved: 1,
            retryAfterMs: retryAfterMs, nowMs: LimitPlanTests.nowMs)
    }

    @Test func `a window's denial says what was used and when to come again`() {
        let denial = Self.denial(.requests, .window(ms: 60_000), retryAfterMs: 12_001)
        #expect(denial.reason == .rateLimited)
        #expect((denial.used, denial.reserved, denial.amount) == (5, 1, 7))
        #expect(denial.amountSource == .override)
        #expect((denial.limit, denial.subject, denial.unit) == ("l", "user:acme/alice", .requests))
        #expect(denial.resetsAtMs == LimitPlanTests.nowMs + 12_001)
        #expect(denial.retryAfter == 13)
        #expect(
            denial.message
                == "Limit l of 7 requests in 60 s for user:acme/alice does not admit this call. Try again in 13 s.")
    }

    @Test func `a budget's denial ends with its period`() {
        let end = Period.day.containing(ms: LimitPlanTests.nowMs).endMs
        let denial = Self.denial(.usd, .period(.day), retryAfterMs: end - LimitPlanTests.nowMs)
        #expect(denial.reason == .budgetExhausted)
        #expect(denial.resetsAtMs == end)
        #expect(denial.retryAfter == 43_200)
        #expect(
            denial.message
                == "Limit l of 0.000007 USD a day for user:acme/alice does not admit this call: 0.000005 USD used, 0.000001 USD reserved. It resets on 2026-11-22 at 00:00 UTC."
        )
    }

    @Test func `calls at once are to be tried again soon`() {
        let denial = Self.denial(.concurrency, .inFlight, retryAfterMs: 1_000)
        #expect(denial.reason == .concurrencyExhausted)
        #expect(denial.retryAfter == 1)
    }

    @Test func `what never fits is told so, without a time`() {
        for span: Limit.Span in [.window(ms: 1_000), .period(.week)] {
            let denial = Self.denial(.tokens, span, retryAfterMs: nil)
            #expect(denial.retryAfter == nil)
            #expect(denial.message.hasSuffix("This call alone may cost more than the whole limit."))
        }
    }

    @Test(arguments: [
        (Int.min, 1), (-5, 1), (0, 1), (1, 1), (999, 1), (1_000, 1), (1_001, 2), (Int.max, Int.max / 1000 + 1),
    ])
    func `seconds are rounded up, at least one`(ms: Int, seconds: Int) { #expect(Denial.seconds(ms) == seconds) }
}
