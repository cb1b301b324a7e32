import Foundation
import Testing
import WeirCore
import WeirProviders

@Suite struct ErrorBodyTests {
    private static let full = Denial(
        .budgetExhausted, "The monthly budget of \"alice\" is spent.", limit: "spend", subject: "user:acme/alice",
        unit: .usd,
        used: 49_000_000, reserved: 1_000_000, amount: 50_000_000, resetsAtMs: 1_796_083_200_000, retryAfter: 3_600)

    private func object(_ denial: Denial, _ dialect: Dialect) throws -> [String: Any] {
        let body = errorBody(for: denial, dialect: dialect, requestID: "req_1")
        return try #require(try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any])
    }

    @Test func `an Anthropic denial has Anthropic's shape`() {
        #expect(
            String(decoding: errorBody(for: Self.full, dialect: .anthropic, requestID: "req_1"), as: UTF8.self)
                == #"{"type":"error","error":{"type":"rate_limit_error","message":"The monthly budget of \"alice\" is spent."},"request_id":"req_1","weir":{"reason":"budget_exhausted","limit":"spend","subject":"user:acme/alice","unit":"usd","used":49000000,"reserved":1000000,"amount":50000000,"resets_at":"2026-12-01T00:00:00Z","retry_after":3600}}"#
        )
    }

    @Test func `an OpenAI denial has OpenAI's shape`() {
        let weir = #""weir":{"reason":"degraded"}"#
        #expect(
            String(
                decoding: errorBody(for: Denial(.degraded, "Try again."), dialect: .openAI, requestID: "r"),
                as: UTF8.self)
                == #"{"error":{"message":"Try again.","type":"server_error","param":null,"code":"degraded","# + weir
                + #"},"request_id":"r","# + weir + "}")
    }

    @Test func `a Gemini denial has Google's shape, with the wait where Google's clients look for it`() {
        #expect(
            String(
                decoding: errorBody(
                    for: Denial(.rateLimited, "Wait.", retryAfter: 17), dialect: .gemini, requestID: "r"), as: UTF8.self
            )
                == #"{"error":{"code":429,"message":"Wait.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"17s"}],"weir":{"reason":"rate_limited","retry_after":17}},"weir":{"reason":"rate_limited","retry_after":17}}"#
        )
    }

    private static let types: [Denial.Reason: (anthropic: String, openAI: String, code: String, gemini: String)] = [
        .unauthorized: ("authentication_error", "invalid_request_error", "invalid_api_key", "UNAUTHENTICATED"),
        .forbidden: ("permission_error", "invalid_request_error", "forbidden", "PERMISSION_DENIED"),
        .killSwitch: ("overloaded_error", "server_error", "kill_switch", "UNAVAILABLE"),
        .teamLimited: ("rate_limit_error", "insufficient_quota", "insufficient_quota", "RESOURCE_EXHAUSTED"),
        .modelNotAllowed: ("permission_error", "invalid_request_error", "model_not_allowed", "PERMISSION_DENIED"),
        .modelUnpriced: ("permission_error", "invalid_request_error", "model_unpriced", "PERMISSION_DENIED"),
        .rateLimited: ("rate_limit_error", "rate_limit_error", "rate_limit_exceeded", "RESOURCE_EXHAUSTED"),
        .budgetExhausted: ("rate_limit_error", "insufficient_quota", "insufficient_quota", "RESOURCE_EXHAUSTED"),
        .concurrencyExhausted: ("rate_limit_error", "rate_limit_error", "rate_limit_exceeded", "RESOURCE_EXHAUSTED"),
        .invalidRequest: ("invalid_request_error", "invalid_request_error", "invalid_request", "INVALID_ARGUMENT"),
        .unknownRoute: ("not_found_error", "invalid_request_error", "unknown_route", "NOT_FOUND"),
        .requestTooLarge: ("request_too_large", "invalid_request_error", "request_too_large", "INVALID_ARGUMENT"),
        .unknownReservation: ("not_found_error", "invalid_request_error", "unknown_reservation", "NOT_FOUND"),
        .reservationEnded: (
            "invalid_request_error", "invalid_request_error", "reservation_ended", "FAILED_PRECONDITION"
        ),
        .degraded: ("overloaded_error", "server_error", "degraded", "UNAVAILABLE"),
        .providerUnavailable: ("api_error", "server_error", "provider_unavailable", "UNAVAILABLE"),
        .providerTimeout: ("timeout_error", "server_error", "provider_timeout", "DEADLINE_EXCEEDED"),
    ]

    @Test(arguments: Denial.Reason.allCases)
    func `every reason has its type, and the SDKs find the weir object in their error's body`(reason: Denial.Reason)
        throws
    {
        let wanted = try #require(Self.types[reason])
        let denial = Denial(reason, "m")
        let anthropic = try object(denial, .anthropic)
        let openAI = try object(denial, .openAI)
        let gemini = try object(denial, .gemini)
        let google = try #require(gemini["error"] as? [String: Any])
        let inner = try #require(openAI["error"] as? [String: Any])
        #expect((anthropic["error"] as? [String: Any])?["type"] as? String == wanted.anthropic)
        #expect(inner["type"] as? String == wanted.openAI)
        #expect(inner["code"] as? String == wanted.code)
        #expect(google["status"] as? String == wanted.gemini)
        #expect(google["code"] as? Int == reason.status)
        // e.body is the whole body in the anthropic package, and `error` in the openai package.
        for body in [anthropic, openAI, inner, gemini, google] {
            #expect((body["weir"] as? [String: Any])?["reason"] as? String == reason.rawValue)
        }
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (1, "1970-01-01T00:00:01Z"), (1_795_254_000_123, "2026-11-21T09:40:01Z"),
        (-1_000, "1969-12-31T23:59:59Z"), (951_826_554_000, "2000-02-29T12:15:54Z"), (.max, "9999-12-31T"),
        (.min, "0001-01-01T"),
    ])
    func `times are RFC 3339 in UTC, never earlier than meant`(ms: Int, text: String) throws {
        let weir = try #require(
            try object(Denial(.rateLimited, "m", resetsAtMs: ms), .anthropic)["weir"] as? [String: Any])
        #expect((weir["resets_at"] as? String)?.hasPrefix(text) == true, "\(weir)")
    }
}
