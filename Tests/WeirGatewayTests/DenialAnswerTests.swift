import Foundation
import NIOCore
import NIOHTTP1
import Testing
import WeirCore
import WeirProviders

@testable import WeirGateway

@Suite struct DenialAnswerTests {
    /// Every reason in every dialect, as the engine makes them: limits with a wait of 17 s, others without one.
    static let cases = Denial.Reason.allCases.flatMap { reason in Dialect.allCases.map { (reason, $0) } }

    private static func denial(_ reason: Denial.Reason, retryAfter: Int?, unit: Limit.Unit? = nil) -> Denial {
        guard reason.status == 429 else { return Denial(reason, "No.", retryAfter: retryAfter) }
        return Denial(
            reason, "No.", limit: "ai-calls", subject: "user:acme/alice", unit: unit ?? .requests, used: 4, reserved: 1,
            amount: 5, resetsAtMs: 1_796_083_200_000, retryAfter: retryAfter)
    }

    private func answer(_ denial: Denial, _ dialect: Dialect) throws -> (HTTPResponseHead, [String: Any]) {
        let (status, fields, body) = DenialAnswer.make(
            denial, dialect: dialect, requestID: "01", product: "default", status: nil, keepsConnection: true)
        let object = try JSONSerialization.jsonObject(with: Data(body.readableBytesView)) as? [String: Any]
        let headers = HTTPHeaders(fields.map { ($0.name, $0.value) })
        return (HTTPResponseHead(version: .http1_1, status: status, headers: headers), try #require(object))
    }

    @Test(arguments: cases)
    func `every reason has its status, its body and its headers in every dialect`(
        reason: Denial.Reason, dialect: Dialect
    ) throws {
        let (head, body) = try answer(Self.denial(reason, retryAfter: 17), dialect)
        let weir = try #require(body["weir"] as? [String: Any])
        #expect(Int(head.status.code) == reason.status)
        #expect(weir["reason"] as? String == reason.rawValue)
        #expect(weir["retry_after"] as? Int == 17)
        #expect(((body["error"] as? [String: Any])?["message"] as? String) == "No.")
        #expect(head.headers["content-type"] == ["application/json"])
        #expect(head.headers["weir-reason"] == [reason.rawValue])
        #expect(head.headers["weir-product"] == ["default"])
        #expect(head.headers["weir-request-id"] == ["01"])
        #expect(head.headers["retry-after"] == ["17"])
        #expect(head.headers["x-should-retry"] == ["true"])
        #expect(!head.headers.contains(name: "anthropic-ratelimit-unified-status"))
        let isLimit = reason.status == 429
        for field in ["limit", "subject", "unit", "used", "reserved", "amount", "resets_at"] {
            #expect((weir[field] != nil) == isLimit, "\(field)")
        }
        #expect(head.headers["ratelimit"] == (isLimit ? ["\"ai-calls\";r=0;t=17"] : []))
        #expect(head.headers["ratelimit-policy"] == (isLimit ? ["\"ai-calls\";q=5"] : []))
        #expect(
            head.headers["anthropic-ratelimit-requests-reset"]
                == (isLimit && dialect == .anthropic ? ["2026-12-01T00:00:00Z"] : []))
        #expect(head.headers["x-ratelimit-reset-requests"] == (isLimit && dialect == .openAI ? ["17s"] : []))
    }

    @Test(arguments: cases, [nil, 61, 90_061])
    func `who waits in vain is told to stop, and Claude Code in the way it understands`(
        what: (reason: Denial.Reason, dialect: Dialect), wait: Int?
    ) throws {
        let (head, _) = try answer(Self.denial(what.reason, retryAfter: wait), what.dialect)
        #expect(head.headers["x-should-retry"] == ["false"])
        #expect(head.headers["retry-after"] == (wait.map { ["\($0)"] } ?? []))
        let isRejected = what.dialect == .anthropic && what.reason.status == 429
        #expect(head.headers["anthropic-ratelimit-unified-status"] == (isRejected ? ["rejected"] : []))
        #expect(head.headers["anthropic-ratelimit-unified-reset"] == (isRejected ? ["1796083200"] : []))
    }

    @Test func `tokens have names of their own, money has none`() throws {
        let (tokens, _) = try answer(Self.denial(.rateLimited, retryAfter: 90_061, unit: .tokens), .openAI)
        #expect(tokens.headers["x-ratelimit-limit-tokens"] == ["5"])
        #expect(tokens.headers["x-ratelimit-remaining-tokens"] == ["0"])
        #expect(tokens.headers["x-ratelimit-reset-tokens"] == ["25h1m1s"])
        #expect(!tokens.headers.contains(name: "x-ratelimit-limit-requests"))
        let (money, _) = try answer(Self.denial(.budgetExhausted, retryAfter: 60, unit: .usd), .anthropic)
        #expect(!money.headers.contains { $0.name.hasPrefix("anthropic-ratelimit-") })
        #expect(money.headers["ratelimit"] == ["\"ai-calls\";r=0;t=60"])
    }
}
