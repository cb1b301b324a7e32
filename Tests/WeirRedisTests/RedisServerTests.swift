import Testing
import WeirRedis
import WeirTestSupport

/// What the other tests stand on.
@Suite struct RedisServerTests {
    @Test func `a missing redis-server fails the test with its name`() async throws {
        let problem = await #expect(throws: RedisServer.Problem.self) {
            try await RedisServer.start(executable: "no-such-redis-server")
        }
        #expect(problem?.description.contains("is no-such-redis-server installed?") == true)
    }

    @Test func `a condition that never holds fails with its name`() async throws {
        let error = await #expect(throws: ConditionNotMet.self) {
            try await eventually("the impossible", within: .milliseconds(20)) { false }
        }
        #expect(error?.description.hasPrefix("the impossible was not met") == true)
    }

    @Test func `servers are apart, and a restarted one has forgotten what it did not save`() async throws {
        try await withRedis { one in
            try await withRedis { other in
                try await one.send(["SET", "a", "1"])
                #expect(try await other.send(["GET", "a"]) == .null)
                let pid = one.pid
                try await one.restart()
                #expect(one.pid != pid)
                #expect(try await one.send(["GET", "a"]) == .null)
            }
        }
    }
}
