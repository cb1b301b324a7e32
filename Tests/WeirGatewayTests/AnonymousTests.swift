import AsyncHTTPClient
import NIOHTTP1
import Testing
import WeirCore
import WeirSimulator

@testable import WeirGateway

/// Callers without an API key, and where requests are taken to come from.
@Suite struct AnonymousTests {
    static let policy: Policy = {
        var policy = TestBed.policy
        policy.products["search"] = .init(callClass: "ai", billable: false, aliases: ["find"], anonymous: true)
        // What no policy file can say: it must not be free all the same.
        policy.products["free"] = .init(callClass: "ai", billable: true, resource: "ai_credits", anonymous: true)
        return policy
    }()

    private func status(
        _ bed: TestBed, _ path: String, key: String? = nil, headers: HTTPHeaders = [:]
    ) async throws -> HTTPResponseStatus {
        var request = try bed.request(path, headers: headers)
        request.headers.remove(name: "authorization")
        if let key { request.headers.add(name: "x-api-key", value: key) }
        return try await bed.send(request).status
    }

    @Test func `a product that allows it serves callers without a key, counted by their address`() async throws {
        try await withGateway(TestBed.admission(policy: Self.policy)) { (bed) async throws in
            for path in ["/search/v1/messages", "/find/v1/messages"] {
                #expect(try await status(bed, path, headers: ["x-forwarded-for": "198.51.100.1"]) == .ok)
            }
            let calls = bed.admission.now.calls
            #expect(calls.count == 2)
            for call in calls {
                #expect((call.team, call.user, call.key, call.product) == ("anonymous", nil, "anonymous", "search"))
                #expect(call.isAnonymous && !call.billable)
                #expect(call.ip == "127.0.0.1", "never the client's own claim")
            }
            #expect(bed.admission.now.events.allSatisfy { $0.team == "anonymous" && $0.user == nil })
        }
    }

    @Test func `everywhere else a missing key is refused, and a wrong one everywhere`() async throws {
        try await withGateway(TestBed.admission(policy: Self.policy)) { (bed) async throws in
            for path in ["/v1/messages", "/slack_app/v1/messages", "/free/v1/messages", "/nothing/v1/messages"] {
                #expect(try await status(bed, path) == .unauthorized, "\(path)")
            }
            for key in ["wrong", "anonymous", "", " ", "a b"] {
                #expect(try await status(bed, "/search/v1/messages", key: key) == .unauthorized, "'\(key)'")
            }
            #expect(try await status(bed, "/search/v1/messages", key: TestBed.key) == .ok)
            #expect(bed.admission.now.calls.map(\.team) == ["acme"])
            #expect(bed.simulator.log().count == 1)
        }
    }

    @Test func `behind a trusted proxy the client is whom the proxy names`() async throws {
        try await withGateway(TestBed.admission(policy: Self.policy)) {
            $0.trustedProxies = (try? TrustedProxies("127.0.0.0/8, 10.0.0.0/8")) ?? .none
        } _: { (bed) async throws in
            var expected: [String] = []
            for (header, client) in [
                (nil, "127.0.0.1"), ("198.51.100.1", "198.51.100.1"), ("192.0.2.66, 198.51.100.1", "198.51.100.1"),
                ("192.0.2.66, 198.51.100.1:99, 10.1.2.3", "198.51.100.1"), ("2001:db8::1", "2001:db8::/64"),
                ("nonsense", "127.0.0.1"), ("198.51.100.1, nonsense, 10.1.2.3", "10.1.2.3"),
            ] as [(String?, String)] {
                let headers = header.map { ["x-forwarded-for": $0] as HTTPHeaders } ?? [:]
                #expect(try await status(bed, "/search/v1/messages", headers: headers) == .ok)
                expected.append(client)
            }
            #expect(bed.admission.now.calls.map(\.ip) == expected)
        }
    }
}
