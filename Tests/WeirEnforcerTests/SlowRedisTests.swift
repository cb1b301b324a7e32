import Testing
import WeirChaos
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

/// Redis answers late, not at all, or half.
@Suite struct SlowRedisTests {
    @Test(arguments: [(5, 5_000), (50, 5_000), (5_000, 100)])
    func `F-R4: a slow Redis admits as long as it answers in time, else every call is denied as degraded`(
        delayMs: Int, deadlineMs: Int
    ) async throws {
        let count = FaultReport.rounds(200, full: 2_000)
        try await TestNode.runThroughChaos(policy: TestNode.roomy, deadline: .milliseconds(deadlineMs)) {
            (node, proxy) async throws in
            try await node.warmedUp()
            await proxy.change {
                $0.delay = .milliseconds(delayMs)
                $0.way = .down
            }
            let tally = await node.decide(count, atOnce: 32)
            #expect(tally.other == [])
            #expect((delayMs < deadlineMs ? tally.admitted.count : tally.degraded.count) == count)
            // What was sent before the breaker opened; all else was refused without a command.
            #expect(node.enforcer.unsettledCount <= 64)
            await proxy.set(ChaosFaults())
            try await node.recovered()
            #expect(try await node.spend() == [0, tally.admitted.count * 5_000])
            try FaultReport(
                "F-R4", invariant: "answers \(delayMs) ms late, deadline \(deadlineMs) ms: typed, no pile-up, C1 M1",
                bound: delayMs < deadlineMs ? "all admitted" : "all degraded, p99 150 ms",
                measured: "\(tally.admitted.count) admitted, \(tally.degraded.count) degraded, "
                    + "p99 \(tally.latencies.percentile(99))"
            ).report()
        }
    }

    @Test func `F-R5: with Redis in a black hole every call is denied as degraded, memory is flat, and it recovers`()
        async throws
    {
        let count = FaultReport.rounds(1_000, full: 20_000)
        try await TestNode.runThroughChaos(policy: TestNode.roomy) { (node, proxy) async throws in
            try await node.warmedUp()
            await proxy.change { $0.isBlackHole = true }
            let before = ResidentMemory.kib() ?? 0
            let tally = await node.decide(count, atOnce: 64)
            let growth = (ResidentMemory.kib() ?? 0) - before
            #expect(tally.degraded.count == count, "\(tally.other.first ?? "")")
            // The commands that went out before the breaker opened are all that waits.
            let waiting = node.enforcer.unsettledCount
            #expect((1...128).contains(waiting))
            await proxy.set(ChaosFaults())
            try await node.recovered()
            #expect(try await node.spend() == [0, 0])
            try FaultReport(
                "F-R5", invariant: "black hole: typed, bounded waiters, recovers by itself, C1 M1 R1",
                bound: "\(count) of \(count) degraded, p99 150 ms, 128 waiting",
                measured: "\(tally.degraded.count) degraded, p99 \(tally.latencies.percentile(99)), "
                    + "\(waiting) waiting, memory \(growth) KiB"
            ).report()
        }
    }

    @Test func `F-R5: with Redis stopped by SIGSTOP every call is denied as degraded, and it recovers`() async throws {
        let count = FaultReport.rounds(1_000, full: 20_000)
        try await TestNode.runThroughChaos(policy: TestNode.roomy) { (node, _) async throws in
            try await node.warmedUp()
            node.server.pause()
            let tally = await node.decide(count, atOnce: 64)
            node.server.resume()
            #expect(tally.degraded.count == count, "\(tally.other.first ?? "")")
            try await node.recovered()
            #expect(try await node.spend() == [0, 0])
            try FaultReport(
                "F-R5", invariant: "SIGSTOP: typed, recovers by itself, C1 R1",
                bound: "\(count) of \(count) degraded, p99 150 ms",
                measured: "\(tally.degraded.count) degraded, p99 \(tally.latencies.percentile(99))"
            ).report()
        }
    }

    @Test func `F-R13: connections cut in mid-reply and replies of single bytes neither lose nor double a reservation`()
        async throws
    {
        let rounds = FaultReport.rounds(3, full: 30)
        var random = SeededGenerator()
        var most = 0
        var cuts = 0
        for round in 0..<rounds {
            let seed = random.next()
            try await TestNode.runThroughChaos(policy: TestNode.narrow, deadline: .seconds(1), seed: seed) {
                (node, proxy) async throws in
                await proxy.change {
                    $0.way = [.both, .down].randomElement(using: &random) ?? .both
                    $0.ending = [.reset, .close].randomElement(using: &random) ?? .reset
                    $0.writesSingleBytes = round.isMultiple(of: 2)
                    // A connection says some thousand bytes before it is believed.
                    $0.cutAfter = 1...Int.random(in: 6_000...40_000, using: &random)
                }
                let before = proxy.acceptedCount
                var admitted = 0
                try await eventually("enough cuts, seed \(seed)", within: .seconds(60)) {
                    let tally = await node.decide(16, atOnce: 8)
                    #expect(tally.other == [], "seed \(seed), of \(random.seed)")
                    admitted += tally.admitted.count
                    return proxy.acceptedCount - before >= 8
                }
                cuts += proxy.acceptedCount - before
                #expect(admitted <= 50)
                await proxy.set(ChaosFaults())
                try await node.recovered()
                let holds = try await node.spend()
                #expect(holds == [0, admitted * 5_000], "seed \(seed), of \(random.seed)")
                most = max(most, admitted)
            }
        }
        #expect(cuts > 0, "seed \(random.seed)")
        try FaultReport(
            "F-R13", invariant: "cut mid-reply, single bytes: held = admitted, L1",
            bound: "50 admitted, 0 lost, 0 doubled",
            measured: "\(most) admitted at most, \(cuts) cuts, 0 lost, 0 doubled, seed \(random.seed)"
        ).report()
    }
}
