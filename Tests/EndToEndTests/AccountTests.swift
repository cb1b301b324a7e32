import Testing

extension EndToEnd.OneStack {
    @Suite struct AccountTests {
        /// Every kind of call that a provider counts exactly.
        static let kinds: [CallRequest] = {
            let claude = "input=100;output=30;cache-read=7;cache-write-5m=11;cache-write-1h=13"
            let gpt = "input=100;cache-read=7;output=30;reasoning=10"
            return [
                CallRequest(api: .messages, simulate: claude),
                CallRequest(api: .messages, keyForm: .bearer, isStream: true, simulate: claude + ";chunks=6"),
                CallRequest(api: .messages, isStream: true, simulate: claude + ";split=5;usage=twice"),
                CallRequest(api: .messages, model: "claude-opus-4", simulate: "input=3;output=1"),
                CallRequest(api: .messages, isStream: true, simulate: "input=250000;output=50"),
                CallRequest(api: .messages, maxTokens: 5, simulate: "input=10;output=50"),
                CallRequest(api: .messages, simulate: "input=10;output=8;tool=get_weather"),
                CallRequest(api: .messages, simulate: "input=10;output=8;usage=zero"),
                CallRequest(api: .messages, simulate: "status=500"),
                CallRequest(api: .messages, isStream: true, simulate: "status=429;retry-after=7"),
                CallRequest(api: .messages, product: "search", simulate: claude),
                CallRequest(api: .countTokens, simulate: "input=42"),
                CallRequest(api: .chat, simulate: gpt),
                CallRequest(api: .chat, keyForm: .bearer, isStream: true, simulate: gpt + ";chunks=6"),
                CallRequest(api: .chat, isStream: true, simulate: gpt + ";split=3;usage=twice"),
                CallRequest(api: .chat, model: "gpt-4o-mini", simulate: "input=1;output=1"),
                CallRequest(api: .chat, simulate: "status=529"),
                CallRequest(api: .responses, simulate: gpt),
                CallRequest(api: .responses, keyForm: .bearer, isStream: true, simulate: gpt),
                CallRequest(api: .embeddings, keyForm: .bearer, simulate: "input=9"),
                CallRequest(api: .messages, simulate: "input=10;output=30;reasoning=10"),
                CallRequest(api: .gemini, keyForm: .google, simulate: gpt + ";tool=get_weather"),
                CallRequest(api: .gemini, keyForm: .query, isStream: true, simulate: gpt + ";chunks=6;split=7"),
                CallRequest(api: .gemini, model: "gemini-2.5-flash", isStream: true, simulate: gpt + ";usage=twice"),
                CallRequest(api: .geminiArray, keyForm: .google, isStream: true, simulate: gpt + ";chunks=6;split=5"),
                CallRequest(api: .gemini, isStream: true, simulate: "input=250000;output=50"),
                CallRequest(api: .gemini, maxTokens: 5, simulate: "input=10;output=50"),
                CallRequest(api: .gemini, simulate: "status=503"),
            ]
        }()

        @Test func `ledger, sums and budgets equal what the provider saw, call by call`() async throws {
            let stack = try Stack.here
            var people: [Person] = []
            for (team, user) in [("books-a", "ada"), ("books-a", "bob"), ("books-b", "ada")] {
                people.append(try await stack.newPerson(team: team, user: user))
            }
            let calls = try await withThrowingTaskGroup(of: MadeCall.self) { [people] group in
                for person in people {
                    for kind in Self.kinds + Self.kinds {
                        group.addTask {
                            let answer = try await stack.call(person, kind)
                            #expect(answer.denied == nil, "\(answer.status)")
                            return MadeCall(person: person, request: answer.request, product: kind.product ?? "default")
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(try await stack.witnessed(calls.map(\.request)).count == calls.count)
            try await stack.expectAccountsToMatchWitness(calls)
            let clientKeys = Set(stack.ready.keys.values).union(people.map(\.key))
            #expect(try await stack.witnessed().allSatisfy { !clientKeys.contains($0.key) && $0.request != nil })
        }
    }
}
