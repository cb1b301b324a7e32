import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

@Suite struct OutageFaultTests {
    @Test func `F-G5: a node that starts while Redis is away admits nothing, however often it starts`() async throws {
        try await TestNode.run(policy: OutageTests.policy(), deadline: .milliseconds(200)) { (node) async throws in
            node.server.pause()
            defer { node.server.resume() }
            #expect(try await node.reservation()?.blind != nil, "a node that was there before has its allowance")
            var admitted = 0
            for round in 0..<20 {
                // Also one that finds nobody at all.
                if round == 10 { node.server.kill() }
                try await TestNode.withEnforcer(to: node.server, deadline: .milliseconds(200)) { enforcer, loop in
                    let starting = Task { try await enforcer.start() }
                    let started = TestNode(server: node.server, redis: node.redis, enforcer: enforcer, loop: loop)
                    for _ in 0..<5 { if (try? await started.reservation()) != nil { admitted += 1 } }
                    #expect(enforcer.unreadyReason != nil)
                    starting.cancel()
                    _ = await starting.result
                }
            }
            #expect(admitted == 0)
            try FaultReport(
                "F-G5", invariant: "a node that starts while Redis is away admits nothing", bound: "0 calls",
                measured: "\(admitted) of 100 calls to 20 nodes"
            ).report()
        }
    }

    /// What an operator has to mend.
    enum Mistake: CaseIterable { case noPermission, noPassword, tooManyClients }

    @Test(arguments: Mistake.allCases)
    func `F-R12: a Redis that refuses this node is no outage: nothing is admitted blind`(mistake: Mistake) async throws
    {
        try await TestNode.run(policy: OutageTests.policy(allowance: MicroUSD(micros: 1_000_000_000))) {
            (node) async throws in
            #expect(try await node.reservation()?.blind == nil)
            switch mistake {
            case .noPermission: try await node.send("ACL", "SETUSER", "weir-gateway", "clearselectors")
            case .noPassword: try await node.send("ACL", "SETUSER", "weir-gateway", "resetpass", ">changed")
            case .tooManyClients: try await node.send("CONFIG", "SET", "maxclients", "1")
            }
            // The operator's own connection stays.
            if mistake != .noPermission {
                for kind: RedisArgument in ["pubsub", "normal"] {
                    try await node.send("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
                }
            }
            func isRefused() async throws -> Bool {
                do {
                    return try await node.reservation() == nil
                } catch EnforcerError.misconfigured { return true } catch is EnforcerError { return false }
            }
            // Until it has connected anew and been told, it only knows that the connection is gone.
            try await eventually("the node knows why", within: .seconds(20)) { try await isRefused() }
            let before = node.standing?.calls ?? 0
            for _ in 0..<50 { #expect(try await isRefused()) }
            if mistake == .noPassword {
                try await eventually("what it knows is too old", within: .seconds(20)) {
                    (try? node.enforcer.replica.current()) == nil
                }
                for _ in 0..<50 { await #expect(throws: EnforcerError.self) { try await node.reservation() } }
                #expect(node.enforcer.unreadyReason != nil)
            }
            let blind = (node.standing?.calls ?? 0) - before
            #expect(blind == 0)
            try FaultReport(
                "F-R12", invariant: "configuration errors fail closed (\(mistake))", bound: "0 blind calls",
                measured: "\(blind) blind calls"
            ).report()
        }
    }
}
