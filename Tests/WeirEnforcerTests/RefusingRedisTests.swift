import Foundation
import NIOCore
import Synchronization
import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

/// Redis answers, and refuses.
@Suite struct RefusingRedisTests {
    private struct NotAdmitted: Error {}
    private final class Count: Sendable { let value = Atomic(0) }

    private func admitted(_ node: TestNode, _ event: UsageEvent) async throws -> Reservation {
        guard case .admitted(let reservation) = try await node.admit(event: event) else { throw NotAdmitted() }
        return reservation
    }

    /// While `begin` holds, nothing is admitted and what was admitted before cannot be settled; the gates go on. After
    /// `end` it is settled once, and calls are admitted.
    ///
    /// - Returns: the reason that callers were given.
    private func expectRefused(
        _ node: TestNode, begin: () async throws -> Void, end: () async throws -> Void
    ) async throws -> String {
        let event = node.event(costMicros: 1_234)
        let reservation = try await admitted(node, event)
        try await node.send("ZADD", .string(RedisKeys.limitedSet(resource: "ai_credits")), "4102444800", "globex")
        let limited = TestNode.call(team: "globex")
        try await eventually { try await node.denial(limited)?.reason == .teamLimited }
        try await begin()
        let tally = await node.decide(50, atOnce: 8)
        #expect(tally.degraded.count == 50, "\(tally)")
        #expect(try await node.denial(limited)?.reason == .teamLimited, "the gate does not need a write")
        await node.enforcer.settle(reservation, as: event, on: node.loop)
        #expect(node.enforcer.unsettledCount >= 1)
        #expect(try await node.events().isEmpty)
        try await end()
        #expect(await node.enforcer.drain(deadline: .now + .seconds(30)) == 0)
        try await node.recovered()
        #expect(try await node.events() == [event])
        #expect(try await node.spend() == [1_234, 0])
        return tally.degraded.first ?? ""
    }

    private func report(_ fault: String, _ reason: String) throws {
        try FaultReport(
            fault, invariant: "writes refused: nothing admitted, gates go on, the settlement stands once, L1 E1",
            bound: "50 of 50 degraded, 1 event", measured: "50 degraded (\(reason.prefix(40))), 1 event"
        ).report()
    }

    @Test func `F-R6: a full Redis admits nothing, the limited set goes on, and what was spent is written later`()
        async throws
    {
        try await TestNode.run { (node) async throws in
            let reason = try await expectRefused(
                node, begin: { try await node.send("CONFIG", "SET", "maxmemory", "1") },
                end: { try await node.send("CONFIG", "SET", "maxmemory", "0") })
            #expect(reason.contains("OOM"))
            try report("F-R6", reason)
        }
    }

    @Test func `F-R7: a demoted Redis decides nothing, and promoted again it goes on where it was`() async throws {
        try await TestNode.run { (node) async throws in
            let reason = try await expectRefused(
                node, begin: { try await node.send("REPLICAOF", "127.0.0.1", "1") },
                end: { try await node.send("REPLICAOF", "NO", "ONE") })
            try report("F-R7", reason)
        }
    }

    @Test func `F-R11: a Redis that cannot write its snapshot admits nothing, and the reason names the cause`()
        async throws
    {
        try await TestNode.run(["--save", "3600 1000000"]) { (node) async throws in
            // Where the snapshot should go is a directory.
            let obstacle = node.server.directory + "/dump.rdb"
            func snapshot() async throws -> String {
                try await node.send("BGSAVE")
                var status = ""
                try await eventually("the snapshot is over") {
                    guard case .bulk(let text) = try await node.send("INFO", "persistence") else { return false }
                    let lines = String(buffer: text).split(separator: "\r\n")
                    status = lines.first { $0.hasPrefix("rdb_last_bgsave_status:") }.map(String.init) ?? ""
                    return lines.contains("rdb_bgsave_in_progress:0")
                }
                return status
            }
            let reason = try await expectRefused(
                node,
                begin: {
                    try FileManager.default.createDirectory(atPath: obstacle, withIntermediateDirectories: false)
                    #expect(try await snapshot() == "rdb_last_bgsave_status:err")
                },
                end: {
                    try FileManager.default.removeItem(atPath: obstacle)
                    #expect(try await snapshot() == "rdb_last_bgsave_status:ok")
                })
            #expect(reason.contains("MISCONF"))
            try report("F-R11", reason)
        }
    }

    @Test func `F-R8: a Redis that forgets its scripts all the time admits exactly the amount`() async throws {
        let rounds = FaultReport.rounds(3, full: 30)
        let flushes = Count()
        for _ in 0..<rounds {
            try await TestNode.run(policy: TestNode.narrow) { (node) async throws in
                let forgetting = Task {
                    while !Task.isCancelled {
                        try await node.send("SCRIPT", "FLUSH")
                        flushes.value.add(1, ordering: .relaxed)
                    }
                }
                let tally = await node.decide(300, atOnce: 16)
                forgetting.cancel()
                // The one in which it was cancelled does not count.
                _ = await forgetting.result
                #expect(tally.admitted.count == 50 && tally.denied == 250, "\(tally.degraded) \(tally.other)")
                #expect(try await node.spend() == [0, 250_000])
            }
        }
        let count = flushes.value.load(ordering: .relaxed)
        #expect(count > 0)
        try FaultReport(
            "F-R8", invariant: "NOSCRIPT is no outage, and no call is charged twice, L1",
            bound: "50 admitted of 300, 0 degraded",
            measured: "50 admitted, 0 degraded, \(rounds) rounds, \(count) flushes"
        ).report()
    }

    @Test func `F-R9: while Redis loads nothing is admitted, and then it goes on with what it has loaded`() async throws
    {
        // Each key takes 100 µs to load, and clients are answered every KiB.
        let arguments = [
            "--appendonly", "no", "--dbfilename", "dump.rdb", "--key-load-delay", "100",
            "--loading-process-events-interval-bytes", "1024",
        ]
        try await TestNode.runThroughChaos(arguments, policy: TestNode.narrow, deadline: .seconds(1)) {
            (node, _) async throws in
            let event = node.event(costMicros: 1_234)
            _ = try await admitted(node, event)
            try await node.send(
                "EVAL", "for i = 1, 10000 do redis.call('SET', 'filler:' .. i, i) end", "0")
            try await node.send("SAVE")
            async let restarted: Void = node.server.restart()
            var answers = DecisionTally()
            try await eventually("it is seen loading", within: .seconds(20)) {
                answers = await node.decide(8, atOnce: 8)
                #expect(answers.admitted.isEmpty && answers.other.isEmpty, "\(answers)")
                return node.server.log.contains("Loading RDB") && !answers.degraded.isEmpty
            }
            try await restarted
            // As an aggregator does for a Redis that was started again.
            try await node.makeReady()
            try await node.recovered()
            #expect(try await node.spend() == [0, 5_000], "what was held before is held still")
            try FaultReport(
                "F-R9", invariant: "LOADING: nothing admitted, then as before, C1", bound: "0 admitted meanwhile",
                measured: "0 admitted, \(answers.degraded.count) of 8 degraded"
            ).report()
        }
    }

    @Test func `F-R10: while a script hogs Redis nothing is admitted, and no node kills it`() async throws {
        try await TestNode.run(
            ["--busy-reply-threshold", "20"], policy: TestNode.narrow, deadline: .milliseconds(500)
        ) { (node) async throws in
            // It never ends by itself.
            let hog = Task { try await node.server.send(["EVAL", "while true do end", "0"]) }
            try await eventually("Redis is busy") {
                do { try await node.send("PING") } catch RedisError.serverBusy { return true }
                return false
            }
            let tally = await node.decide(50, atOnce: 8)
            #expect(tally.degraded.count == 50, "\(tally)")
            try await node.send("SCRIPT", "KILL")
            _ = await hog.result
            try await node.recovered()
            guard case .bulk(let text) = try await node.send("INFO", "commandstats") else { throw NotAdmitted() }
            let kills = String(buffer: text).split(separator: "\r\n").filter { $0.hasPrefix("cmdstat_script|kill:") }
            #expect(kills.count == 1 && kills[0].contains("calls=1,"), "the operator's own: \(kills)")
            #expect(try await node.spend() == [0, 0])
            try FaultReport(
                "F-R10", invariant: "BUSY: nothing admitted, nobody's script is killed, C1",
                bound: "50 of 50 degraded, 0 kills",
                measured: "\(tally.degraded.count) degraded, p99 \(tally.latencies.percentile(99)), 0 kills"
            ).report()
        }
    }
}
