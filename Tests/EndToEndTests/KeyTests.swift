import Testing

extension EndToEnd.OneStack {
    @Suite struct KeyTests {
        @Test func `a revoked key is refused by every gateway in every form, and nothing of it reaches a provider`()
            async throws
        {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "revoked", user: "rob")
            let other = try await stack.newPerson(team: "revoked", user: "ron")
            // Every gateway knows the key before.
            for gateway in 0..<2 { #expect(try await stack.call(person, gateway: gateway).status == 200) }
            try await stack.weirDone("keys", "revoke", person.keyID)
            for gateway in 0..<2 {
                try await stack.promised("refused by gateway \(gateway)") {
                    try await stack.call(person, gateway: gateway).status == 401
                }
            }
            var refused: [String] = []
            for gateway in 0..<2 {
                for api in CallRequest.API.allCases {
                    for form in CallRequest.KeyForm.allCases {
                        let answer = try await stack.call(
                            person, CallRequest(api: api, keyForm: form), gateway: gateway)
                        #expect(answer.status == 401 && answer.denied?.reason == "unauthorized", "\(answer)")
                        refused.append(answer.request)
                    }
                }
                #expect(try await stack.call(other, gateway: gateway).status == 200)
            }
            #expect(try await stack.witnessed(refused).isEmpty)
        }
    }
}
