import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Testing
import WeirCore
import WeirSimulator
import WeirTestSupport

@testable import WeirGateway

@Suite struct ProductUpstreamTests {
    private static let upstreamKey = "upstream-key-canary"

    /// A second simulator as the upstream of `slack_app`.
    private func withUpstream(
        keyVariable: String?, _ body: (TestBed, Simulator) async throws -> Void
    ) async throws {
        let upstream = Simulator(configuration: SimulatorConfiguration(), logger: .silent)
        try await upstream.start()
        var policy = TestBed.policy
        policy.products["slack_app"]?.upstream = Policy.Upstream(url: upstream.url, keyVariable: keyVariable)
        let result: Result<Void, any Error>
        do {
            try await withGateway(
                TestBed.admission(policy: policy),
                adjust: {
                    $0.upstreamKeys = ["WEIR_UPSTREAM_MODELS": Secret(Self.upstreamKey)].compactMapValues(\.self)
                }
            ) { bed in try await body(bed, upstream) }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        try await upstream.stop()
        try result.get()
    }

    @Test(arguments: ["/v1/messages", "/v1/chat/completions", "/v1/responses"])
    func `a product's calls go to its own upstream with its own key, all others to the provider`(
        path: String
    ) async throws {
        try await withUpstream(keyVariable: "WEIR_UPSTREAM_MODELS") { bed, upstream in
            let there = try await bed.send(bed.request("/slack_app" + path, simulate: "input=10;output=3"))
            #expect(there.status == .ok)
            #expect(try await bed.send(bed.request(path)).status == .ok)
            #expect(upstream.log().map(\.key) == [Self.upstreamKey])
            #expect(bed.simulator.log().map(\.key) == [TestBed.providerKey])
            let event = try #require(bed.admission.now.settled.first)
            #expect(event.product == "slack_app" && event.tokens.input == 10 && event.cost.micros > 0)
        }
    }

    @Test func `an upstream without a key gets none, least of all a provider's`() async throws {
        try await withUpstream(keyVariable: nil) { bed, upstream in
            // The simulator wants one, and says so; what matters is what reached it.
            #expect(try await bed.send(bed.request("/slack_app/v1/messages")).status == .unauthorized)
            let call = try #require(upstream.log().first)
            #expect(call.key == "")
            let headers = try #require(call.requestHeaders)
            #expect(
                !headers.contains { ["x-api-key", "authorization", "x-goog-api-key"].contains($0.name.lowercased()) })
            #expect(headers.allSatisfy { !$0.value.contains("canary") })
            #expect(bed.simulator.log().isEmpty)
        }
    }

    @Test func `a key that the gateway does not have stops the call before anything is held`() async throws {
        try await withUpstream(keyVariable: "WEIR_UPSTREAM_OTHER") { bed, upstream in
            let answer = try await bed.send(bed.request("/slack_app/v1/messages"))
            #expect(answer.status == .badGateway && answer.text.contains("WEIR_UPSTREAM_OTHER"))
            #expect(upstream.log().isEmpty && bed.simulator.log().isEmpty)
            #expect(bed.admission.now.admitted.isEmpty)
        }
    }
}
