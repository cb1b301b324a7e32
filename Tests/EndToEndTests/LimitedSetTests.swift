import Testing
import WeirTestSupport

extension EndToEnd.OneStack {
    @Suite struct LimitedSetTests {
        static let set = "weir:quota-limits:ai_credits"

        /// Everything that a call could have changed for a team.
        private func consumption(_ team: String) async throws -> [String] {
            let stack = try Stack.here
            var state: [String] = []
            for key in try await stack.keys("weir:{*}:*:user:\(team)/*").sorted() {
                let type = try await stack.redisCLI("TYPE", key)
                let value =
                    switch type {
                    case "zset": try await stack.redisCLI("ZRANGE", key, "0", "-1", "WITHSCORES")
                    default: try await stack.redisCLI("HGETALL", key)
                    }
                state.append("\(key) \(value)")
            }
            return state
        }

        @Test func `a team in the limited set is denied by every gateway until it is taken out, and consumes nothing`()
            async throws
        {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "limited", user: "lea")
            #expect(try await stack.call(person).status == 200)
            let until = try await stack.unixSeconds() + 3600
            try await stack.redisCLI("ZADD", Self.set, "\(until)", "limited")
            for gateway in 0..<2 {
                try await stack.promised("denied by gateway \(gateway)") {
                    try await stack.call(person, gateway: gateway).status == 429
                }
            }
            let before = try await consumption("limited")
            #expect(!before.isEmpty)
            var denied: [String] = []
            for gateway in 0..<2 {
                for api in [CallRequest.API.messages, .chat, .responses, .embeddings, .countTokens] {
                    let now = try await stack.unixSeconds()
                    let answer = try await stack.call(person, CallRequest(api: api), gateway: gateway)
                    #expect(answer.status == 429 && answer.denied?.reason == "team_limited", "\(answer)")
                    let wait = try #require(answer.retryAfter)
                    #expect((until - now - 1...until - now + 1).contains(wait), "score - now is \(until - now)")
                    denied.append(answer.request)
                }
                // What is not billable goes on.
                let search = CallRequest(product: "search")
                #expect(try await stack.call(person, search, gateway: gateway).status == 200)
            }
            #expect(try await stack.witnessed(denied).isEmpty)
            // The calls of `search` are counted by no limit.
            #expect(try await consumption("limited") == before)

            try await stack.redisCLI("ZREM", Self.set, "limited")
            try await expectAdmitted(person)
            try await stack.redisCLI("ZADD", Self.set, "\(until)", "limited")
            try await stack.promised("denied again") { try await stack.call(person, gateway: 0).status == 429 }
            // A score in the past admits, too.
            try await stack.redisCLI("ZADD", Self.set, "\(try await stack.unixSeconds() - 1)", "limited")
            try await expectAdmitted(person)
        }

        @Test func `a limit that ends soon says at least one second, and ends by itself`() async throws {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "limited-soon", user: "sam")
            let until = try await stack.unixSeconds() + 2
            try await stack.redisCLI("ZADD", Self.set, "\(until)", "limited-soon")
            var waits: [Int] = []
            try await eventually("admitted again") {
                let answer = try await stack.call(person)
                if answer.status == 429 { waits.append(answer.retryAfter ?? 0) }
                return try await stack.unixSeconds() >= until && answer.status == 200
            }
            #expect(waits.allSatisfy { $0 >= 1 && $0 <= 3 }, "\(waits)")
        }

        private func expectAdmitted(_ person: Person) async throws {
            let stack = try Stack.here
            for gateway in 0..<2 {
                try await stack.promised("admitted by gateway \(gateway)") {
                    try await stack.call(person, gateway: gateway).status == 200
                }
            }
        }
    }
}
