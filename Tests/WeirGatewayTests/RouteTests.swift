import NIOHTTP1
import Testing
import WeirProviders

@testable import WeirGateway

@Suite struct RouteTests {
    private func route(_ uri: String, _ method: HTTPMethod = .POST, _ headers: HTTPHeaders = [:]) -> Route? {
        try? Route(HTTPRequestHead(version: .http1_1, method: method, uri: uri, headers: headers))
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
        #expect(route("/v1/models", .GET, ["x-goog-api-key": "k"])?.provider == .gemini)
        #expect(route("/v1beta/models?pageSize=3", .GET)?.provider == .gemini)
        #expect(route("/v1/models/gpt-4o", .GET)?.provider == .openAI)
        #expect(route("/v1/models") == nil)
    }

    @Test func `Gemini's calls are served with and without a product`() throws {
        for version in ["v1", "v1beta"] {
            let path = "/\(version)/models/gemini-2.5-pro:streamGenerateContent"
            let plain = try #require(route(path + "?alt=sse"))
            #expect(plain.provider == .gemini && plain.endpoint == .generateContent)
            #expect(plain.target == path + "?alt=sse")
            let named = try #require(route("/slack_app" + path))
            #expect(named.product == "slack_app" && named.target == path)
        }
    }

    @Test func `a model that the path names is replaced in the path, and nothing else is`() throws {
        var found = try #require(route("/slack_app/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse&key=k"))
        found.modelPath?.model = "gemini-2.5-flash"
        #expect(found.target == "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse")
    }

    @Test(arguments: [
        ("/v1beta/models/g:generateContent?key=abc", "", ["abc"]),
        ("/v1beta/models/g:generateContent?alt=sse&key=abc", "?alt=sse", ["abc"]),
        ("/v1beta/models/g:generateContent?key=abc&alt=sse&key=d", "?alt=sse", ["abc", "d"]),
        ("/v1/messages?key=abc&beta=true", "?beta=true", ["abc"]), ("/v1/messages?monkey=abc", "?monkey=abc", []),
        ("/v1/messages?", "?", []), ("/v1/messages?key=", "", [""]),
    ])
    func `a key in the query stays here, and all else goes on`(uri: String, query: String, keys: [Substring]) throws {
        let found = try #require(route(uri))
        let path = String(uri.prefix { $0 != "?" })
        #expect(found.target == path + query)
        #expect(found.queryKeys == keys)
    }

    @Test(arguments: [
        "alt=proto", "alt=media", "$alt=sse", "fields=candidates", "$fields=x", "access_token=t", "callback=f",
        "%6bey=abc", "Key=abc", "pageSize=3", "alt=sse&alt=proto", "$.xgafv=1", "quotaUser=u",
    ])
    func `a query that Google reads in other ways is refused`(query: String) {
        #expect {
            let head = HTTPRequestHead(
                version: .http1_1, method: .POST, uri: "/v1beta/models/g:generateContent?" + query)
            _ = try Route(head)
        } throws: { error in
            if case .query = error as? Route.Problem { true } else { false }
        }
    }

    @Test(arguments: [
        "/v1/messages/batches", "/v1/messages/batches/msgbatch_1/results", "/v1/batches", "/slack_app/v1/batches",
        "/v1beta/models/g:batchGenerateContent", "/v1/files", "/v1beta/files", "/upload/v1beta/files",
        "/v1beta/cachedContents", "/v1/realtime", "/v1beta/batches/x",
    ])
    func `what is known and not forwarded is refused with the reason`(path: String) {
        for method in [HTTPMethod.GET, .POST] {
            #expect {
                _ = try Route(HTTPRequestHead(version: .http1_1, method: method, uri: path))
            } throws: { error in
                if case .notForwarded = error as? Route.Problem { true } else { false }
            }
        }
    }

    @Test(arguments: [
        ("/v1/messages/batches", "", Dialect.anthropic), ("/x/v1/messages/count_tokens/y", "", .anthropic),
        ("/v1/nothing", "anthropic-version", .anthropic), ("/v1/nothing", "", .openAI),
        ("/v1beta/nothing", "", .gemini), ("/p/v1beta/files", "", .gemini),
        ("/v1/models/g:batchGenerateContent", "", .gemini), ("/v1/nothing", "x-goog-api-key", .gemini),
    ])
    func `an answer without a route has the form that its caller most likely speaks`(
        path: String, header: String, dialect: Dialect
    ) {
        let headers: HTTPHeaders = header.isEmpty ? [:] : [header: "x"]
        #expect(Route.dialect(ofPath: path, headers: headers) == dialect)
    }

    @Test(arguments: [
        "/", "/v1", "/v1/", "/v1/messages/", "/v1/Messages", "/v1/messages/batches", "/v1//messages",
        "/v1/../v1/messages",
        "/v1/%6dessages", "/v2/v2/messages", "/a/b/v1/messages", "//v1/messages", "/v1/files", "/v1/images/generations",
        "/{x}/v1/messages", "/v1/audio/speech", "/v1/batches", "/v1/realtime", "/v1/completions", "/v1/messages;x",
    ])
    func `nothing else is`(path: String) { #expect(route(path) == nil) }
}
