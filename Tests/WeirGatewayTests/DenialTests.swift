import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Testing
import WeirCore
import WeirEnforcer
import WeirProviders
import WeirSimulator

@testable import WeirGateway

@Suite struct DenialTests {
    @Test(arguments: ["/v1/messages", "/v1/chat/completions"])
    func `a denial speaks the dialect, says when to come again, and reaches no provider`(path: String) async throws {
        let admission = TestBed.admission { _ in
            Denial(
                .rateLimited, "5 calls in 60 s", limit: "ai-calls", unit: .requests, used: 5, amount: 5, retryAfter: 17)
        }
        try await withGateway(admission) { bed in
            let answer = try await bed.send(bed.request(path))
            #expect(answer.status == .tooManyRequests)
            #expect(answer.headers.first(name: "retry-after") == "17")
            #expect(answer.headers.first(name: "x-should-retry") == "true")
            #expect(answer.headers.first(name: "weir-product") == "default")
            #expect(answer.headers.first(name: "weir-request-id")?.count == 26)
            #expect(answer.headers.first(name: "content-type") == "application/json")
            #expect(answer.text.contains(#""reason":"rate_limited""#))
            #expect(answer.text.contains(#""type":"error""#) == path.hasSuffix("messages"))
            #expect(bed.simulator.log().isEmpty)
            #expect(bed.admission.now.settled.isEmpty && bed.admission.now.released.isEmpty)
        }
    }

    @Test func `whatever the route, nothing reaches a provider that was not admitted`() async throws {
        let admission = TestBed.admission { _ in Denial(.budgetExhausted, "no") }
        try await withGateway(admission) { bed in
            let gemini = "/v1beta/models/gemini-2.5-pro:"
            let content = #"{"contents":[{"parts":[{"text":"hi"}]}]}"#
            var calls: [(endpoint: Endpoint, path: String, body: String?)] = []
            for endpoint in Endpoint.allCases {
                let path = endpoint.path ?? ""
                switch endpoint {
                case .messages, .countTokens, .chatCompletions: calls.append((endpoint, path, nil))
                case .responses:
                    calls.append((endpoint, path, #"{"model":"\#(TestBed.openAIModel)","input":"hi"}"#))
                case .embeddings:
                    calls.append((endpoint, path, #"{"model":"text-embedding-3-small","input":"hi"}"#))
                case .generateContent:
                    calls.append((endpoint, gemini + "generateContent", content))
                    calls.append((endpoint, gemini + "streamGenerateContent?alt=sse", content))
                case .countContentTokens: calls.append((endpoint, gemini + "countTokens", content))
                case .models:
                    calls.append((endpoint, path, nil))
                    calls.append((endpoint, "/v1beta/models", nil))
                }
            }
            for prefix in ["", "/slack_app"] {
                for call in calls {
                    var request = try bed.request(prefix + call.path)
                    if let body = call.body { request.body = .string(body) }
                    if call.endpoint == .models {
                        request = try HTTPClient.Request(url: bed.url + prefix + call.path, headers: request.headers)
                    }
                    let answer = try await bed.send(request)
                    #expect(answer.status == .tooManyRequests, "\(prefix)\(call.path): \(answer.status) \(answer.text)")
                }
            }
            #expect(bed.simulator.log().isEmpty)
        }
    }

    @Test(arguments: [nil, 61, 86_400])
    func `a client is told not to repeat what will not help soon`(retryAfter: Int?) async throws {
        try await withGateway(TestBed.admission { _ in Denial(.budgetExhausted, "no", retryAfter: retryAfter) }) {
            bed in
            let answer = try await bed.send(bed.request())
            #expect(answer.headers.first(name: "x-should-retry") == "false")
            #expect(answer.headers.first(name: "retry-after") == retryAfter.map { "\($0)" })
        }
    }

    @Test(arguments: [EnforcerError.degraded(reason: "redis 10.1.2.3"), .misconfigured(reason: "redis 10.1.2.3")])
    func `without a decision nothing passes, and the client is not told about the inside`(
        error: EnforcerError
    ) async throws {
        let admission = TestBed.admission { (_) throws(EnforcerError) in throw error }
        try await withGateway(admission) { bed in
            let answer = try await bed.send(bed.request())
            #expect(answer.status == .serviceUnavailable)
            #expect(answer.headers.first(name: "retry-after") == "1")
            #expect(answer.text.contains(#""reason":"degraded""#))
            #expect(!answer.text.contains("10.1.2.3"))
            #expect(bed.simulator.log().isEmpty)
        }
    }

    @Test func `unknown, malformed, missing and doubled keys get one and the same answer`() async throws {
        try await withGateway { bed in
            var texts: Set<String> = []
            let credentials: [HTTPHeaders] = [
                [:], ["authorization": "Bearer nobody"], ["x-api-key": "nobody"], ["authorization": "Basic x"],
                ["authorization": "Bearer " + TestBed.key, "x-api-key": "another"],
            ]
            for headers in credentials {
                var request = try bed.request()
                request.headers.remove(name: "authorization")
                request.headers.add(contentsOf: headers)
                let answer = try await bed.send(request)
                #expect(answer.status == .unauthorized)
                let id = try #require(answer.headers.first(name: "weir-request-id"))
                texts.insert(answer.text.split(separator: id).joined())
            }
            #expect(texts.count == 1)
            #expect(bed.simulator.log().isEmpty)
        }
    }

    @Test func `both credential forms lead to the same call`() async throws {
        try await withGateway { bed in
            for path in ["/v1/messages", "/v1/chat/completions"] {
                _ = try await bed.send(bed.request(path))
                var request = try bed.request(path)
                request.headers.remove(name: "authorization")
                request.headers.add(name: "x-api-key", value: TestBed.key)
                #expect(try await bed.send(request).status == .ok)
                let calls = bed.admission.now.calls
                #expect(calls.count.isMultiple(of: 2))
                #expect(calls.dropLast().last == calls.last)
            }
        }
    }

    @Test func `a key goes where its record lets it`() async throws {
        let record = TestBed.record(products: ["slack_app"], models: ["claude-haiku-4-5-20251001"])
        try await withGateway(TestBed.admission(record: record)) { bed in
            func denied(_ path: String, _ model: String?, _ status: HTTPResponseStatus, _ reason: String) async throws {
                let answer = try await bed.send(bed.request(path, model: model))
                #expect(answer.status == status)
                #expect(answer.text.contains(#""reason":"\#(reason)""#))
            }
            try await denied("/default/v1/messages", nil, .forbidden, "forbidden")
            try await denied("/nowhere/v1/messages", nil, .notFound, "unknown_route")
            try await denied("/v1/files", nil, .notFound, "unknown_route")
            try await denied("/v1/messages", nil, .forbidden, "model_not_allowed")
            try await denied("/v1/messages", "Claude-Haiku-4-5-20251001", .forbidden, "model_not_allowed")
            let good = try await bed.send(bed.request("/v1/messages", model: "claude-haiku-4-5-20251001"))
            #expect(good.status == .ok)
            #expect(good.headers.first(name: "weir-product") == "slack_app")
            #expect(bed.simulator.log().count == 1)
        }
    }

    @Test func `a model without a price is denied, charged as the dearest, or let through and marked, by policy`()
        async throws
    {
        for rule in Policy.UnpricedModels.allCases {
            var policy = TestBed.policy
            policy.unpricedModels = rule
            try await withGateway(TestBed.admission(policy: policy)) { bed in
                let request = try bed.request(
                    simulate: "input=1000;output=1000", model: "claude-next", maxTokens: 1000)
                let answer = try await bed.send(request)
                guard rule != .deny else {
                    #expect(answer.status == .forbidden)
                    #expect(answer.text.contains("model_unpriced"))
                    return
                }
                let event = try #require(bed.admission.now.settled.first)
                #expect(!event.isModelKnown)
                #expect(event.tokens == TokenUsage(input: 1000, output: 1000))
                let estimate = try #require(bed.admission.now.estimates.first)
                #expect(estimate.tokens >= 1000)
                guard rule == .dearest else {
                    #expect(event.cost == .zero && estimate.cost == .zero)
                    return
                }
                let dearest = try testPrices.get().dearest(provider: "anthropic")
                #expect(estimate.cost > .zero)
                #expect(event.cost == dearest.price.cost(of: TokenUsage(input: 1000, output: 1000)))
            }
        }
    }

    @Test(arguments: ["not json", #"{"model":"a","model":"b"}"#, "{}", ""])
    func `a body that cannot be read for sure goes nowhere`(body: String) async throws {
        try await withGateway { bed in
            var request = try bed.request()
            request.body = .string(body)
            let answer = try await bed.send(request)
            #expect(answer.status == .badRequest)
            #expect(answer.text.contains("invalid_request"))
            #expect(bed.simulator.log().isEmpty)
        }
    }

    @Test func `a wrong label and a compressed body are refused`() async throws {
        try await withGateway { bed in
            let labelled = try await bed.send(bed.request(headers: ["weir-role": "a b"]))
            #expect(labelled.status == .badRequest)
            let compressed = try await bed.send(bed.request(headers: ["content-encoding": "gzip"]))
            #expect(compressed.status == .badRequest)
            #expect(bed.simulator.log().isEmpty)
        }
    }

    @Test func `F-U5: a body beyond the cap is refused, announced or not, and the connection closes`() async throws {
        try await withGateway(adjust: { $0.limits.bodyBytes = 1000 }) { bed in
            let large = ByteBuffer(repeating: 0x20, count: 5000)
            var announced = try bed.request()
            announced.body = .byteBuffer(large)
            #expect(try await bed.send(announced).status == .payloadTooLarge)
            var chunked = try bed.request()
            chunked.body = .stream { writer in writer.write(.byteBuffer(large)) }
            let answer = try await bed.send(chunked)
            #expect(answer.status == .payloadTooLarge)
            #expect(answer.text.contains("request_too_large"))
            #expect(bed.admission.now.admitted.isEmpty)
        }
    }

    @Test func `a provider that is not set up is not called`() async throws {
        try await withGateway(adjust: { $0.openAI.key = nil }) { bed in
            let answer = try await bed.send(bed.request("/v1/chat/completions"))
            #expect(answer.status == .badGateway)
            #expect(bed.admission.now.admitted.isEmpty)
            #expect(bed.simulator.log().isEmpty)
        }
    }
}
