import Testing
import WeirProviders
import WeirCore
import WeirTestSupport

extension EndToEnd.OneStack {
    @Suite struct AdmissionTests {
        /// So many calls at once, through both gateways.
        private func atOnce(_ count: Int, _ person: Person, _ request: CallRequest) async throws -> [CallAnswer] {
            let stack = try Stack.here
            return try await withThrowingTaskGroup(of: CallAnswer.self) { group in
                for number in 0..<count {
                    group.addTask { try await stack.call(person, request, gateway: number % 2) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }

        @Test func `of 200 calls at once a request limit with k left admits exactly k`() async throws {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "narrow", user: "ned")
            let call = CallRequest(product: "narrow", simulate: "input=5;output=1")
            let used = 11
            for _ in 0..<used { #expect(try await stack.call(person, call).status == 200) }
            let answers = try await atOnce(200, person, call)
            let admitted = answers.filter { $0.status == 200 }
            #expect(admitted.count == TestPolicy.narrowCalls - used)
            let seen = try await stack.witnessed(answers.map(\.request))
            #expect(Set(seen.keys) == Set(admitted.map(\.request)), "only admitted calls reach the provider")
            for answer in answers where answer.status != 200 {
                #expect(answer.status == 429 && answer.denied?.reason == "rate_limited", "\(answer)")
                #expect(answer.denied?.limit == "narrow-calls" && answer.denied?.resets_at != nil)
                #expect(answer.retryAfter ?? 0 >= 1 && answer.retryAfter == answer.denied?.retry_after)
            }
        }

        @Test func `a product's limit is exact across teams and nodes, and its amount can be set while it is in use`()
            async throws
        {
            let stack = try Stack.here
            var people: [Person] = []
            for team in ["one", "two", "three", "four"] {
                people.append(try await stack.newPerson(team: team, user: "ann"))
            }
            let call = CallRequest(product: "shared", simulate: "input=5;output=1")
            func admitted(ofEach count: Int) async throws -> Int {
                try await withThrowingTaskGroup(of: CallAnswer.self) { group in
                    for person in people {
                        for number in 0..<count {
                            group.addTask { try await stack.call(person, call, gateway: number % 2) }
                        }
                    }
                    return try await group.reduce(0) { admitted, answer in
                        #expect([200, 429].contains(answer.status))
                        if answer.status == 429 { #expect(answer.denied?.limit == "shared-calls") }
                        return admitted + (answer.status == 200 ? 1 : 0)
                    }
                }
            }
            #expect(try await admitted(ofEach: 30) == TestPolicy.sharedCalls)
            try await stack.weirDone("limits", "set", "product:shared", "shared-calls", "50requests")
            var more = 0
            try await eventually("the new amount is in force") {
                more += try await admitted(ofEach: 5)
                return more > 0
            }
            // What was used was not forgotten.
            more += try await admitted(ofEach: 5)
            #expect(more == 10)
            try await stack.weirDone("limits", "unset", "product:shared", "shared-calls")
        }

        @Test func `200 calls at once never spend more than the budget, and the next call is told so`() async throws {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "purse", user: "pam")
            let call = CallRequest(product: "purse", maxTokens: 400, simulate: "input=200;output=400;delay-ms=20")
            var answers = try await atOnce(200, person, call)
            // What was reserved too much has come back by now: spend the rest, one by one.
            while let answer = answers.last, answers.count < 500 {
                if answers.count > 200, answer.status != 200 { break }
                answers.append(try await stack.call(person, call))
            }
            let prices = try PriceTable.shipped()
            let seen = try await stack.witnessed(answers.map(\.request))
            let spent = try seen.values.reduce(0) { try $0 + $1.costMicros(prices) }
            let costs = try seen.values.map { try $0.costMicros(prices) }
            #expect(spent <= TestPolicy.purseMicros)
            #expect(spent > TestPolicy.purseMicros - 3 * (costs.max() ?? 0), "what is left is less than a reservation")
            #expect(seen.count == answers.count { $0.status == 200 })
            #expect(answers.last?.denied?.reason == "budget_exhausted")
            #expect(try await stack.budget("purse", "user:purse/pam") == .init(settled: spent, reserved: 0))
        }
    }
}
