import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Testing
import WeirCore
import WeirSimulator

@testable import WeirGateway

@Suite struct GeminiTests {
    private func request(
        _ bed: TestBed, _ action: String = "generateContent", query: String = "", simulate: String? = nil,
        headers: HTTPHeaders = ["x-goog-api-key": TestBed.key],
        body: String = #"{"contents":[{"parts":[{"text":"hi"}]}]}"#
    ) throws -> HTTPClient.Request {
        var headers = headers
        headers.add(name: "content-type", value: "application/json")
        if let simulate { headers.add(name: "x-simulate", value: simulate) }
        return try HTTPClient.Request(
            url: bed.url + "/v1beta/models/gemini-2.5-flash:" + action + query, method: .POST, headers: headers,
            body: .string(body))
    }

    @Test(arguments: [("generateContent", ""), ("streamGenerateContent", "?alt=sse"), ("streamGenerateContent", "")])
    func `an answer passes byte by byte and every column of its event is filled`(
        action: String, query: String
    ) async throws {
        try await withGateway { bed in
            let request = try request(
                bed, action, query: query, simulate: "input=10;output=30;reasoning=8;chunks=5;cache-read=4;tool=search",
                headers: [
                    "x-goog-api-key": TestBed.key, "weir-role": "planner", "weir-task": "t-1", "weir-session": "s:1",
                    "weir-prompt-version": "v3",
                ])
            let through = try await bed.send(request)
            let direct = try await bed.send(bed.direct(request))
            #expect(through.status == .ok)
            #expect(withoutNumbers(through.text) == withoutNumbers(direct.text))
            #expect(through.headers["content-type"] == direct.headers["content-type"])
            #expect(through.headers.first(name: "ratelimit") == "\"ai-calls\";r=4;t=60")
            let event = try #require(bed.admission.now.settled.first)
            let log = try #require(bed.simulator.log().first)
            #expect(log.key == TestBed.providerKey)
            #expect(event.tokens == TokenUsage(input: 10, cacheRead: 4, output: 30, reasoning: 8))
            // 10 × 0.30 + 4 × 0.03 + 30 × 2.50 dollars per million, rounded up once.
            #expect(event.cost == MicroUSD(micros: 79))
            #expect(event.extra["estimated"] == nil)
            #expect(event.outcome == .completed && event.isOK && event.status == 200)
            #expect(event.provider == "gemini" && event.endpoint == "generate_content")
            #expect(event.requestedModel == "gemini-2.5-flash" && event.model == "gemini-2.5-flash")
            #expect(event.toolUsed == "search")
            #expect(event.role == "planner" && event.task == "t-1")
            #expect(event.session == "s:1" && event.promptVersion == "v3")
            #expect(event.priceVersion == (try testPrices.get().version) && event.isModelKnown)
            #expect(event.request == log.request && event.latencyMs >= 0)
            #expect(bed.admission.unbalanced == [])
        }
    }

    @Test func `all forms of a key lead to the same call, and none reaches the provider`() async throws {
        try await withGateway { bed in
            let forms: [(String, HTTPHeaders)] = [
                ("?alt=sse", ["x-goog-api-key": TestBed.key]), ("?alt=sse&key=" + TestBed.key, [:]),
                ("?alt=sse", ["authorization": "Bearer " + TestBed.key]), ("?alt=sse", ["x-api-key": TestBed.key]),
            ]
            for (query, headers) in forms {
                let answer = try await bed.send(
                    request(bed, "streamGenerateContent", query: query, headers: headers))
                #expect(answer.status == .ok)
                #expect(answer.headers.first(name: "content-type")?.hasPrefix("text/event-stream") == true)
            }
            #expect(Set(bed.admission.now.calls).count == 1 && bed.admission.now.calls.count == 4)
            for call in bed.simulator.log() {
                #expect(call.key == TestBed.providerKey)
                #expect(!call.endpoint.contains(TestBed.key))
                #expect(try #require(call.requestHeaders).allSatisfy { !$0.value.contains(TestBed.key) })
            }
        }
    }

    @Test func `denials and refusals speak Google's form`() async throws {
        try await withGateway { bed in
            let nobody = try await bed.send(request(bed, headers: [:]))
            #expect(nobody.status == .unauthorized && nobody.text.contains(#""status":"UNAUTHENTICATED""#))
            let twice = try await bed.send(
                request(bed, body: #"{"generationConfig":{},"generation_config":{}}"#))
            #expect(twice.status == .badRequest && twice.text.contains("appears twice"))
            let masked = try await bed.send(request(bed, query: "?fields=candidates"))
            #expect(masked.status == .badRequest && masked.text.contains(#""status":"INVALID_ARGUMENT""#))
            let batch = try await bed.send(request(bed, "batchGenerateContent"))
            #expect(batch.status == .notFound && batch.text.contains("Batches are not forwarded"))
            let audio = try await bed.send(
                request(bed, body: #"{"contents":[{"parts":[{"inlineData":{"mimeType":"audio/wav","data":"AA"}}]}]}"#))
            #expect(audio.status == .forbidden && audio.text.contains("audio or video input"))
            #expect(bed.simulator.log().isEmpty)
            #expect(bed.admission.now.admitted.isEmpty)
        }
    }

    @Test func `counting tokens and listing models is free, and known to its user`() async throws {
        try await withGateway { bed in
            #expect(
                try await bed.send(request(bed, "countTokens", simulate: "input=42")).text == #"{"totalTokens":42}"#)
            let models = try HTTPClient.Request(
                url: bed.url + "/v1beta/models?pageSize=5", headers: ["x-goog-api-key": TestBed.key])
            let list = try await bed.send(models)
            #expect(list.status == .ok && list.text.contains("models/gemini-2.5-flash"))
            #expect(bed.admission.now.settled.map(\.cost) == [.zero, .zero])
            #expect(bed.admission.now.settled.map(\.endpoint) == ["generate_content.count_tokens", "models"])
        }
    }

    @Test(arguments: [
        ("?alt=sse", "end-after=2"), ("", "end-after=2"), ("?alt=sse", "error-after=2"), ("", "error-after=2"),
    ])
    func `a stream that breaks off is charged what was stated until then`(query: String, fault: String) async throws {
        try await withGateway { bed in
            _ = try await bed.send(
                request(
                    bed, "streamGenerateContent", query: query, simulate: "input=10;output=40;chunks=4;" + fault))
            let event = try #require(bed.admission.now.settled.first)
            #expect(event.tokens == TokenUsage(input: 10, output: 20))
            #expect(event.extra["estimated"] != nil)
            #expect(event.isOK == fault.hasPrefix("end"))
        }
    }
}
