import AsyncHTTPClient
import Foundation
import WeirTestSupport
import NIOCore

/// One call as the simulator saw it: the witness that ledger and counters are compared with.
struct WitnessedCall: Decodable, Sendable {
    let id: Int
    let key: String
    let endpoint: String
    let model: String
    let stream: Bool
    let input_tokens: Int
    let cache_read_tokens: Int
    let cache_write_5m_tokens: Int
    let cache_write_1h_tokens: Int
    let output_tokens: Int
    let reasoning_tokens: Int
    let outcome: String
    let status: Int
    /// The `weir-request-id` that it came with.
    let request: String?

    var tokens: Tokens {
        Tokens(
            input: input_tokens, cacheRead: cache_read_tokens, cacheWrite5m: cache_write_5m_tokens,
            cacheWrite1h: cache_write_1h_tokens, output: output_tokens, reasoning: reasoning_tokens)
    }
}

/// Tokens of a call, in disjoint kinds but for `reasoning`, which is a part of `output`.
struct Tokens: Sendable, Hashable {
    var input = 0
    var cacheRead = 0
    var cacheWrite5m = 0
    var cacheWrite1h = 0
    var output = 0
    var reasoning = 0

    var total: Int { input + cacheRead + cacheWrite5m + cacheWrite1h + output }
}

extension Stack {
    /// Every call that has reached the provider.
    func witnessed() async throws -> [WitnessedCall] {
        let response = try await Self.http.execute(
            HTTPClientRequest(url: ready.simulator + "/log"), timeout: .seconds(60))
        let body = try await response.body.collect(upTo: 256 << 20)
        let decoder = JSONDecoder()
        return try body.readableBytesView.split(separator: UInt8(ascii: "\n")).map {
            try decoder.decode(WitnessedCall.self, from: Data($0))
        }
    }

    /// Those of these requests. Each of them reached the provider at most once, or this throws.
    func witnessed(_ requests: some Sequence<String>) async throws -> [String: WitnessedCall] {
        let wanted = Set(requests)
        var found: [String: WitnessedCall] = [:]
        for call in try await witnessed() {
            guard let request = call.request, wanted.contains(request) else { continue }
            if found.updateValue(call, forKey: request) != nil {
                throw Program.Problem(description: "\(request) reached the provider twice")
            }
        }
        return found
    }
}
