import Testing
import WeirProviders

@Suite struct EndpointTests {
    @Test func `every endpoint is found by its own method and path`() {
        for endpoint in Endpoint.allCases {
            // Gemini's name a model: ModelPathTests.
            guard let path = endpoint.path else { continue }
            #expect(Endpoint(method: endpoint.method, path: path) == endpoint)
            #expect(Endpoint(method: "PUT", path: path) == nil)
        }
        #expect(Endpoint(method: "GET", path: "/v1/messages") == nil)
    }

    @Test(arguments: [
        "/v1/messages/", "/v1/messages/batches", "/v1/Messages", "/v1/completions", "/v1/images/generations",
        "/v1/files",
        "/v1/responses/resp_1", "/v1/chat/completions/x", "", "/", "v1/messages", "/v1//messages", "/v1/messages?x",
    ])
    func `what is not metered is not an endpoint`(path: String) {
        #expect(Endpoint(method: "POST", path: path) == nil)
        #expect(Endpoint(method: "GET", path: path) == nil)
    }

    @Test func `endpoints speak their provider's dialect`() {
        #expect(Endpoint.messages.dialect() == .anthropic)
        #expect(Endpoint.chatCompletions.dialect(of: .anthropic) == .openAI)
        #expect(Endpoint.generateContent.dialect() == .gemini)
        for asker in Dialect.allCases { #expect(Endpoint.models.dialect(of: asker) == asker) }
        #expect(Endpoint.allCases.filter { !$0.spends } == [.countTokens, .countContentTokens, .models])
    }
}
