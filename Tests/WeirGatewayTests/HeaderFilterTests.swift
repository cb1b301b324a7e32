import NIOHTTP1
import Testing

@testable import WeirGateway

@Suite struct HeaderFilterTests {
    @Test(arguments: [
        "connection", "Keep-Alive", "proxy-authenticate", "Proxy-Authorization", "proxy-connection", "TE", "trailer",
        "Transfer-Encoding", "upgrade", "Host", "Content-Length", "Authorization", "X-API-Key", "X-Goog-Api-Key",
        "x-goog-user-project",
        "x-goog-fieldmask", "x-http-method-override", "cookie", "expect",
        "accept-encoding", "forwarded", "via", "x-real-ip", "X-Forwarded-For", "x-forwarded-host", "x-forwarded-proto",
        "weir-request-id", "Weir-Role", "weir-anything",
    ])
    func `fields of the connection, the client's identity and its way here do not reach the provider`(name: String) {
        let headers = HeaderFilter.towardsProvider(["accept": "a", name: "canary", "user-agent": "u"])
        #expect(headers.map(\.name) == ["accept", "user-agent"])
    }

    @Test(arguments: [
        "x-simulate", "anthropic-version", "anthropic-beta", "user-agent", "x-stainless-lang", "openai-organization",
        "content-type", "accept", "idempotency-key", "x-forwarded", "weirdo", "x-goog-api-client", "x-rate",
    ])
    func `everything else passes unchanged, repetitions and order included`(name: String) {
        let headers = HTTPHeaders([(name, "1"), ("b", "2"), (name, "3")])
        #expect(HeaderFilter.towardsProvider(headers).map { $0.name + $0.value } == headers.map { $0.name + $0.value })
        #expect(
            HeaderFilter.towardsClient(headers, keepingLength: true).map { $0.name + $0.value }
                == headers.map { $0.name + $0.value })
    }

    @Test func `what Connection names is dropped, in both directions`() {
        let headers = HTTPHeaders([
            ("Connection", "close, X-Hop"), ("connection", " other\t"), ("x-hop", "1"), ("Other", "2"), ("kept", "3"),
        ])
        #expect(HeaderFilter.towardsProvider(headers).map(\.name) == ["kept"])
        #expect(HeaderFilter.towardsClient(headers, keepingLength: true).map(\.name) == ["kept"])
    }

    @Test(arguments: [
        "set-cookie", "Server", "alt-svc", "strict-transport-security", "weir-request-id", "transfer-encoding",
        "keep-alive", "connection", "RateLimit", "ratelimit-policy", "ratelimit-remaining",
        "X-RateLimit-Limit-Requests", "Anthropic-Ratelimit-Requests-Remaining", "anthropic-ratelimit-unified-status",
    ])
    func `what speaks for the provider's host does not reach the client`(name: String) {
        #expect(
            HeaderFilter.towardsClient([name: "x", "request-id": "r"], keepingLength: true).map(\.name) == [
                "request-id"
            ])
    }

    @Test func `on a provider's own 429 Anthropic's clients learn whether repeating is of use`() {
        let headers: HTTPHeaders = [
            "anthropic-ratelimit-unified-status": "rejected", "anthropic-ratelimit-tokens-limit": "1",
            "retry-after": "9",
        ]
        #expect(
            HeaderFilter.towardsClient(headers, keepingLength: true, isLimited: true).map(\.name) == [
                "anthropic-ratelimit-unified-status", "retry-after",
            ])
    }

    @Test func `the length goes when the body will change`() {
        #expect(HeaderFilter.towardsClient(["content-length": "5"], keepingLength: false).isEmpty)
        #expect(HeaderFilter.towardsClient(["content-length": "5"], keepingLength: true).count == 1)
    }
}
