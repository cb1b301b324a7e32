import Logging
import NIOPosix
import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

/// What is said of a call against what becomes of it.
@Suite struct ExplainerTests {
    private static var policy: Policy {
        var policy = TestNode.policy
        policy.limits = [
            Limit(
                id: "calls", per: .user, unit: .requests, span: .window(ms: 3_600_000), amount: 40,
                groupAmounts: ["few": 6]),
            Limit(
                id: "spend", per: .user, unit: .usd, span: .period(.month), amount: 100_000, downgradeAt: 6000,
                clamp: true),
            Limit(
                id: "opus", per: .team, unit: .requests, span: .window(ms: 3_600_000),
                match: .init(models: ["opus"]), amount: 12),
            Limit(id: "all", per: .global, unit: .tokens, span: .window(ms: 3_600_000), amount: 70_000),
            Limit(id: "watched", per: .team, unit: .requests, span: .period(.day), amount: 3, enforce: .shadow),
            Limit(id: "at-once", per: .team, unit: .concurrency, span: .inFlight, amount: 9),
            Limit(
                id: "credits", per: .team, unit: .usd, span: .period(.month), match: .init(resource: "ai_credits"),
                amount: 5, enforce: .ledger),
        ]
        return policy
    }

    private static func candidate(_ model: String, _ micros: Int, tokens: Int) -> Candidate {
        func estimate(_ tokens: Int, _ micros: Int) -> Estimate {
            Estimate(tokens: tokens, cost: MicroUSD(micros: micros), observed: .zero, observedCost: .zero)
        }
        return Candidate(
            model: model, estimate: estimate(tokens, micros), least: estimate(tokens / 4 + 1, micros / 4 + 1))
    }

    /// Of every key its value and its end.
    private static func everything(_ node: TestNode) async throws -> RedisValue {
        let script = """
            local all, keys = {}, {}
            -- Nodes write down the denials that they have counted whenever they like.
            for _, key in ipairs(redis.call('KEYS', '*')) do
                if not string.find(key, ':denials:', 1, true) then keys[#keys + 1] = key end
            end
            table.sort(keys)
            for _, key in ipairs(keys) do
                local value
                if redis.call('TYPE', key).ok == 'hash' then
                    -- In no order of its own.
                    local fields, pairs = redis.call('HGETALL', key), {}
                    for i = 1, #fields, 2 do pairs[#pairs + 1] = fields[i] .. ' ' .. fields[i + 1] end
                    table.sort(pairs)
                    value = table.concat(pairs, ' ')
                else
                    value = redis.call('DUMP', key)
                end
                all[#all + 1] = key .. redis.sha1hex(value) .. redis.call('PEXPIRETIME', key)
            end
            return all
            """
        return try await node.send("EVAL", .string(script), 0)
    }

    /// Runs `body` with a node, and an explainer beside it.
    private static func run(_ body: (TestNode, Explainer) async throws -> Void) async throws {
        try await TestNode.run(policy: policy) { node in
            var configuration = try RedisConfiguration(url: node.server.url(as: .aggregator))
            configuration.commandDeadline = .seconds(10)
            let pool = RedisPool(
                configuration: configuration, group: MultiThreadedEventLoopGroup.singleton, logger: .silent)
            pool.start()
            let result: Result<Void, any Error>
            do {
                try await pool.waitUntilReady(timeout: .seconds(20))
                result = .success(try await body(node, Explainer(pool: pool, logger: .silent)))
            } catch { result = .failure(error) }
            await pool.close()
            try result.get()
        }
    }

    private static func explain(
        _ explainer: Explainer, _ call: Call, _ candidates: [Candidate]
    ) async throws -> Explanation {
        try await explainer.explain(call, candidates: candidates, in: try await explainer.situation())
    }

    @Test func `the verdict is what the node then decides, the numbers are Redis's, and nothing is changed`()
        async throws
    {
        var generator = SeededGenerator()
        try await Self.run { node, explainer in
            try await node.send("SET", "weir:override:calls:user:acme/bob", "3")
            var reasons: Set<String> = []
            for step in 0..<150 {
                let user = ["alice", "bob", "carol"].randomElement(using: &generator) ?? ""
                let call = TestNode.call(user: user, groups: user == "carol" ? ["few"] : [], model: "opus")
                let scale = Int.random(in: 100...3_000, using: &generator)
                var candidates = [Self.candidate("opus", 5 * scale, tokens: scale)]
                if Bool.random(using: &generator) {
                    candidates.append(Self.candidate("haiku", scale, tokens: scale))
                }
                let before = try await Self.everything(node)
                let said = try await Self.explain(explainer, call, candidates)
                #expect(try await Self.everything(node) == before, "seed \(generator.seed), step \(step)")

                let event = node.event()
                let decision = try await node.enforcer.admit(call, candidates: candidates, event: event, on: node.loop)
                switch (said.verdict, decision) {
                case (.admitted(let candidate, let bound), .admitted(let reservation)):
                    #expect(candidate == reservation.candidate, "seed \(generator.seed), step \(step)")
                    #expect(bound == reservation.bound, "seed \(generator.seed), step \(step)")
                    #expect(!said.limits.contains { $0.wouldDeny })
                    let held = Dictionary(
                        reservation.allHolds.map { ($0.limit, $0) }, uniquingKeysWith: { first, _ in first })
                    for limit in said.limits where limit.cost != nil && bound == nil {
                        let hold = held[limit.limit.id]
                        #expect(hold?.key == limit.key && hold?.amount == limit.amount)
                        #expect(
                            limit.limit.enforce == .shadow
                                || hold?.remaining == limit.remaining.map { $0 - (limit.cost ?? 0) })
                    }
                    reasons.insert(candidate > 0 ? "downgraded" : bound == nil ? "admitted" : "shortened")
                    if Bool.random(using: &generator) {
                        var used = event
                        used.cost = MicroUSD(micros: scale)
                        used.tokens = TokenUsage(input: scale / 2)
                        await node.enforcer.settle(reservation, as: used, on: node.loop)
                    } else if Bool.random(using: &generator) {
                        await node.enforcer.release(reservation, on: node.loop)
                    }
                case (.denied(var mine), .denied(var theirs)):
                    // A moment has passed in between.
                    #expect((mine.retryAfter == nil) == (theirs.retryAfter == nil))
                    (mine.retryAfter, theirs.retryAfter) = (nil, nil)
                    (mine.resetsAtMs, theirs.resetsAtMs, mine.message, theirs.message) = (nil, nil, "", "")
                    #expect(mine == theirs, "seed \(generator.seed), step \(step)")
                    #expect(said.limits.contains { $0.wouldDeny && $0.limit.id == mine.limit })
                    reasons.insert(mine.reason.rawValue + (mine.limit ?? ""))
                default: Issue.record("\(said.verdict) but \(decision), seed \(generator.seed), step \(step)")
                }
            }
            // The history reached what it is there to compare.
            #expect(reasons.contains("admitted") && reasons.count >= 3, "\(reasons), seed \(generator.seed)")
        }
    }

    @Test func `each amount says where it is from, and limits of the ledger and in shadow are told, too`() async throws
    {
        try await Self.run { node, explainer in
            try await node.send("SET", "weir:override:spend:user:acme/alice", "7")
            try await node.send("ZADD", "weir:quota-limits:ai_credits", "4102444800", "globex")
            let candidates = [Self.candidate("opus", 1, tokens: 1)]
            let call = TestNode.call(groups: ["few"], model: "opus")
            let limits = try await Self.explain(explainer, call, candidates).limits
            #expect(limits.map(\.limit.id) == Self.policy.limits.map(\.id))
            #expect(limits.map(\.source.text) == ["group:few", "override"] + Array(repeating: "default", count: 5))
            #expect(limits.map(\.amount) == [6, 7, 12, 70_000, 3, 9, 5])
            #expect(limits.map(\.cost) == [1, 1, 1, 1, 1, 1, nil])

            let limited = try await Self.explain(
                explainer, TestNode.call(team: "globex", model: "opus"), candidates)
            guard case .denied(let denial) = limited.verdict else { throw EnforcerError.degraded(reason: "admitted") }
            #expect(denial.reason == .teamLimited && denial.limit == "credits")
            #expect(limited.limits.filter(\.wouldDeny).map(\.limit.id) == ["credits"])

            try await node.send("HSET", "weir:kill-switch", "model:opus", "on")
            let stopped = try await Self.explain(explainer, call, candidates)
            guard case .denied(let denial) = stopped.verdict else { throw EnforcerError.degraded(reason: "admitted") }
            #expect(denial.reason == .killSwitch)
            let other = try await Self.explain(
                explainer, call, candidates + [Self.candidate("haiku", 1, tokens: 1)])
            #expect(other.verdict == .admitted(candidate: 1, bound: nil))
        }
    }
}
