import Testing
import WeirProviders

@Suite struct EndpointTests {
    @Test func `every endpoint is found by its own method and path`() {
        for endpoint in Endpoint.allCases {
            #expect(Endpoint(method: endpoint.method, path: endpoint.path) == endpoint)
            #expect(Endpoint(method: "PUT", path: endpoint.path) == nil)
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
        #expect(Endpoint.messages.dialect(hasAnthropicVersion: false) == .anthropic)
        #expect(Endpoint.chatCompletions.dialect(hasAnthropicVersion: true) == .openAI)
        #expect(Endpoint.models.dialect(hasAnthropicVersion: true) == .anthropic)
        #expect(Endpoint.models.dialect(hasAnthropicVersion: false) == .openAI)
        #expect(Endpoint.allCases.filter { !$0.spends } == [.countTokens, .models])
    }
}
