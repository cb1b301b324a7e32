import NIOHTTP1
import Testing
import WeirProviders

@testable import WeirGateway

@Suite struct RouteTests {
    private func route(_ uri: String, _ method: HTTPMethod = .POST, _ headers: HTTPHeaders = [:]) -> Route? {
        Route(HTTPRequestHead(version: .http1_1, method: method, uri: uri, headers: headers))
    }

    @Test(arguments: [
        "/v1/messages", "/v1/messages/count_tokens", "/v1/chat/completions", "/v1/responses", "/v1/embeddings",
    ])
    func `the APIs are served with and without a product`(path: String) throws {
        let plain = try #require(route(path))
        #expect(plain.product == nil)
        #expect(plain.target == path)
        let named = try #require(route("/slack_app" + path + "?beta=true"))
        #expect(named.product == "slack_app")
        #expect(named.target == path + "?beta=true")
        #expect(named.endpoint == plain.endpoint)
        #expect(route(path, .GET) == nil)
    }

    @Test func `models are listed in the dialect of the asker`() {
        #expect(route("/v1/models", .GET)?.provider == .openAI)
        #expect(route("/v1/models", .GET, ["anthropic-version": "2023-06-01"])?.provider == .anthropic)
        #expect(route("/v1/models") == nil)
    }

    @Test(arguments: [
        "/", "/v1", "/v1/", "/v1/messages/", "/v1/Messages", "/v1/messages/batches", "/v1//messages",
        "/v1/../v1/messages",
        "/v1/%6dessages", "/v2/v2/messages", "/a/b/v1/messages", "//v1/messages", "/v1/files", "/v1/images/generations",
        "/{x}/v1/messages", "/v1/audio/speech", "/v1/batches", "/v1/realtime", "/v1/completions", "/v1/messages;x",
    ])
    func `nothing else is`(path: String) { #expect(route(path) == nil) }
}
