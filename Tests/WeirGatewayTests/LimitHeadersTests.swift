import NIOHTTP1
import Testing
import WeirCore
import WeirProviders

@testable import WeirGateway

@Suite struct LimitHeadersTests {
    private static func hold(
        _ limit: String, _ unit: Limit.Unit, amount: Int, remaining: Int, resetsInMs: Int, isShadow: Bool = false
    ) -> Reservation.Hold {
        .init(
            limit: limit, subject: "user:a/b", unit: unit, key: "k", counter: .inFlight, held: 1, amount: amount,
            remaining: remaining, resetsInMs: resetsInMs, isShadow: isShadow)
    }

    /// 2026-12-01T00:00:00Z.
    private static let nowMs = 1_796_083_200_000

    private func headers(_ dialect: Dialect, _ holds: [Reservation.Hold]) -> HTTPHeaders {
        var headers: Fields = []
        let call = Call(team: "a", key: "k", product: "p", callClass: "c", billable: true, model: "m")
        LimitHeaders.add(
            for: Reservation(id: "1", admittedAtMs: Self.nowMs, leaseMs: 1, call: call, shard: 0, holds: holds),
            dialect: dialect, to: &headers)
        return HTTPHeaders(headers.map { ($0.name, $0.value) })
    }

    private static let holds = [
        hold("calls", .requests, amount: 20, remaining: 19, resetsInMs: 60_000),
        hold("few-calls", .requests, amount: 5, remaining: 1, resetsInMs: 65_500),
        hold("day-tokens", .tokens, amount: 200_000, remaining: 150_000, resetsInMs: 7_205_001),
        hold("spend", .usd, amount: 50_000_000, remaining: 1_000, resetsInMs: 1_000),
        hold("unlimited", .tokens, amount: 0, remaining: 0, resetsInMs: 0),
        // Tried out where callers do not see it.
        hold("shadow", .requests, amount: 1, remaining: 0, resetsInMs: 1_000, isShadow: true),
    ]

    @Test(arguments: Dialect.allCases)
    func `the limit with the smallest share left is told in the standard's words, whatever its unit`(dialect: Dialect) {
        let headers = headers(dialect, Self.holds)
        #expect(headers["ratelimit"] == ["\"spend\";r=1000;t=1"])
        #expect(headers["ratelimit-policy"] == ["\"spend\";q=50000000"])
    }

    @Test func `Anthropic's clients learn the tightest of requests and of tokens, with the time of reset`() {
        let headers = headers(.anthropic, Self.holds)
        #expect(headers["anthropic-ratelimit-requests-limit"] == ["5"])
        #expect(headers["anthropic-ratelimit-requests-remaining"] == ["1"])
        #expect(headers["anthropic-ratelimit-requests-reset"] == ["2026-12-01T00:01:06Z"])
        #expect(headers["anthropic-ratelimit-tokens-limit"] == ["200000"])
        #expect(headers["anthropic-ratelimit-tokens-remaining"] == ["150000"])
        #expect(headers["anthropic-ratelimit-tokens-reset"] == ["2026-12-01T02:00:06Z"])
        #expect(headers.count == 8)
    }

    @Test func `OpenAI's clients learn the same, with the span until the reset`() {
        let headers = headers(.openAI, Self.holds)
        #expect(headers["x-ratelimit-limit-requests"] == ["5"])
        #expect(headers["x-ratelimit-remaining-requests"] == ["1"])
        #expect(headers["x-ratelimit-reset-requests"] == ["1m5s"])
        #expect(headers["x-ratelimit-limit-tokens"] == ["200000"])
        #expect(headers["x-ratelimit-remaining-tokens"] == ["150000"])
        #expect(headers["x-ratelimit-reset-tokens"] == ["2h0m5s"])
        #expect(headers.count == 8)
    }

    @Test func `numbers of any size do no harm`() {
        let wild = [
            Self.hold("a", .requests, amount: .max, remaining: .min, resetsInMs: .max),
            Self.hold("b", .tokens, amount: 1, remaining: .max, resetsInMs: .min),
        ]
        for dialect in Dialect.allCases { #expect(headers(dialect, wild)["ratelimit"].first?.contains("r=0") == true) }
        #expect(headers(.anthropic, []).isEmpty)
    }
}
