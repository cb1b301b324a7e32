import Testing
import WeirTestSupport

extension EndToEnd.Faults {
    @Suite struct KillSwitchTests {
        @Test
        func `a thrown switch stops its classes alone, survives restarts of nodes and Redis, and can be taken back`()
            async throws
        {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "switch", user: "kit")
            let search = CallRequest(product: "search")
            for gateway in 0..<2 { #expect(try await stack.call(person, gateway: gateway).status == 200) }

            try await stack.weirDone("kill-switch", "on", "--reason", "a loop in the nightly job")
            for gateway in 0..<2 {
                try await stack.promised("thrown at gateway \(gateway)") {
                    try await stack.call(person, gateway: gateway).status == 503
                }
                for api in CallRequest.API.allCases {
                    let answer = try await stack.call(person, CallRequest(api: api), gateway: gateway)
                    #expect(answer.status == 503 && answer.denied?.reason == "kill_switch", "\(answer)")
                    #expect(answer.message?.contains("a loop in the nightly job") == true)
                    #expect(try await stack.witnessed([answer.request]).isEmpty)
                }
                #expect(try await stack.call(person, search, gateway: gateway).status == 200)
            }

            try await stack.replaceGateways(signal: .terminate)
            try await expectThrown(person)
            try await stack.replaceRedis()
            try await expectThrown(person)
            for gateway in 0..<2 {
                try await eventually("search goes on") {
                    try await stack.call(person, search, gateway: gateway).status == 200
                }
            }

            // The aggregator may still be on its way back to Redis, and then it says so.
            try await eventually("taken back", within: .seconds(30)) {
                let off = try await stack.weir("kill-switch", "off")
                if off.status != 0 { #expect(off.errors.contains("Redis"), "\(off.errors)") }
                return off.status == 0
            }
            for gateway in 0..<2 {
                try await stack.promised("taken back at gateway \(gateway)") {
                    try await stack.call(person, gateway: gateway).status == 200
                }
            }
        }

        /// After a restart a node may be unready for a moment, but it never lets a call through.
        private func expectThrown(_ person: Person) async throws {
            let stack = try Stack.here
            for gateway in 0..<2 {
                try await eventually("still thrown", within: .seconds(30)) {
                    let answer = try await stack.call(person, gateway: gateway)
                    #expect(answer.status == 503, "\(answer)")
                    return answer.denied?.reason == "kill_switch"
                }
            }
        }
    }
}
