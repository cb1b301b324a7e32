import WeirChaos
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

/// What became of many decisions.
struct DecisionTally: Sendable {
    var admitted: [Reservation] = []
    var denied = 0
    /// Refused as `degraded`, and why.
    var degraded: [String] = []
    /// Anything else, which no fault of Redis may lead to.
    var other: [String] = []
    var latencies = Latencies()

    var count: Int { admitted.count + denied + degraded.count + other.count }
}

extension TestNode {
    /// Limits that no test here reaches.
    static let roomy: Policy = {
        var policy = TestNode.policy
        policy.limits = [
            Limit(id: "calls", per: .user, unit: .requests, span: .window(ms: 3_600_000), amount: 100_000_000),
            Limit(id: "spend", per: .user, unit: .usd, span: .period(.month), amount: 1_000_000_000_000),
        ]
        return policy
    }()

    /// Fifty calls an hour, each logged, and a budget that is not reached.
    static let narrow: Policy = {
        var policy = roomy
        policy.limits[0].amount = 50
        return policy
    }()

    /// Runs `body` with a node that finds Redis behind a proxy. The deadline is the one that gateways have by default.
    nonisolated(nonsending) static func runThroughChaos<Result>(
        _ arguments: [String] = [], policy: Policy = policy, deadline: Duration = .milliseconds(100), seed: UInt64 = 1,
        _ body: (TestNode, ChaosProxy) async throws -> Result
    ) async throws -> Result {
        try await withRedis(arguments) { server in
            try await withConnection(to: server) { redis in
                try await setUp(redis, policy: policy)
                return try await withChaos(before: server, seed: seed) { proxy, port in
                    try await withEnforcer(to: server, through: port, deadline: deadline) { enforcer, loop in
                        try await enforcer.start()
                        return try await body(
                            TestNode(server: server, redis: redis, enforcer: enforcer, loop: loop), proxy)
                    }
                }
            }
        }
    }

    /// Asks for so many admissions, so many of them at once.
    func decide(_ count: Int, atOnce: Int) async -> DecisionTally {
        await withTaskGroup(of: DecisionTally.self) { group in
            for worker in 0..<atOnce {
                let share = count / atOnce + (worker < count % atOnce ? 1 : 0)
                group.addTask {
                    var tally = DecisionTally()
                    for _ in 0..<share { await decide(into: &tally) }
                    return tally
                }
            }
            return await group.reduce(into: DecisionTally()) { sum, tally in
                sum.admitted += tally.admitted
                sum.denied += tally.denied
                sum.degraded += tally.degraded
                sum.other += tally.other
                sum.latencies.append(contentsOf: tally.latencies)
            }
        }
    }

    private func decide(into tally: inout DecisionTally) async {
        let start = ContinuousClock.now
        do throws(EnforcerError) {
            switch try await enforcer.admit(Self.call(), estimate: Self.estimate, event: event(), on: loop) {
            case .admitted(let reservation): tally.admitted.append(reservation)
            case .denied: tally.denied += 1
            }
        } catch .degraded(let reason) {
            tally.degraded.append(reason)
        } catch {
            tally.other.append("\(error)")
        }
        tally.latencies.append(start.duration(to: .now))
    }

    /// Waits until a decision is one command: whatever else it asks for has been asked.
    func warmedUp() async throws {
        let names = ["calls", "spend"].map { OverrideName(limit: $0, subject: "user:acme/alice") }
        try await eventually("the overrides are known") {
            try await recovered()
            if case .known = enforcer.replica.overrides.answer(for: names, nowMs: enforcer.nowMs) { return true }
            return false
        }
    }

    /// Waits until it admits as before, and nothing of what went wrong is on its way any more.
    func recovered(file: StaticString = #fileID, line: UInt = #line) async throws {
        try await eventually("decisions as before", within: .seconds(30), file: file, line: line) {
            let tally = await decide(1, atOnce: 1)
            for reservation in tally.admitted { await enforcer.release(reservation, on: loop) }
            return tally.degraded.isEmpty && tally.other.isEmpty
        }
        try await eventually("everything is given back", within: .seconds(30), file: file, line: line) {
            enforcer.unsettledCount == 0
        }
    }
}
