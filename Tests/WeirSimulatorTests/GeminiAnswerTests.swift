import Foundation
import Testing

@testable import WeirSimulator

@Suite struct GeminiAnswerTests {
    private static let path = "/v1beta/models/gemini-2.5-flash:"
    private static let body = #"{"contents":[{"parts":[{"text":"hi"}]}],"generationConfig":{"maxOutputTokens":100}}"#
    private static let kinds = "input=100;cache-read=7;output=50;reasoning=20;chunks=4"
    private static let billed = SimulatedUsage(freshInput: 100, cacheRead: 7, output: 50, reasoning: 20)
    private static let key = (name: "x-goog-api-key", value: "g-test")

    private func check(_ json: [String: Any]) throws {
        #expect(try json.at("candidates.0.finishReason") == "STOP")
        #expect(try json.at("usageMetadata.promptTokenCount") == 107)
        #expect(try json.at("usageMetadata.cachedContentTokenCount") == 7)
        #expect(try json.at("usageMetadata.candidatesTokenCount") == 30)
        #expect(try json.at("usageMetadata.thoughtsTokenCount") == 20)
        #expect(try json.at("usageMetadata.totalTokenCount") == 157)
        #expect(try json.at("modelVersion") == "gemini-2.5-flash")
    }

    private func text(_ objects: [[String: Any]]) throws -> String {
        try objects.map { try $0.at("candidates.0.content.parts.0.text", as: String.self) }.joined()
    }

    @Test func `a plain answer, its events and its array say the same`() async throws {
        try await withSimulator { simulator in
            let plain = try await simulator.send(
                Self.path + "generateContent", Self.body, simulate: Self.kinds, key: Self.key
            ).json
            try check(plain)
            #expect(try text([plain]).utf8.count == 120)

            let stream = try await simulator.send(
                Self.path + "streamGenerateContent?alt=sse", Self.body, simulate: Self.kinds, key: Self.key)
            #expect(stream.headers["content-type"]?.hasPrefix("text/event-stream") == true)
            let events = try stream.text.components(separatedBy: "\r\n\r\n").filter { !$0.isEmpty }.map {
                try object(String($0.dropFirst("data: ".count)))
            }
            #expect(events.count == 6)
            #expect(try text(events) == text([plain]))
            try check(try #require(events.last))

            let array = try await simulator.send(
                Self.path + "streamGenerateContent", Self.body, simulate: Self.kinds, key: Self.key)
            #expect(array.headers["content-type"]?.hasPrefix("application/json") == true)
            let elements = try #require(
                try JSONSerialization.jsonObject(with: Data(array.text.utf8)) as? [[String: Any]])
            #expect(try text(elements) == text([plain]))
            try check(try #require(elements.last))
            for call in simulator.log() {
                #expect(call.usage == Self.billed)
                #expect(call.key == "g-test" && call.model == "gemini-2.5-flash")
            }
        }
    }

    @Test func `a bound cuts each candidate, and a tool is called`() async throws {
        try await withSimulator { simulator in
            let body = #"{"contents":[{}],"generationConfig":{"max_output_tokens":4,"candidateCount":3}}"#
            let cut = try await simulator.send(
                Self.path + "generateContent", body, simulate: "output=9", key: Self.key
            ).json
            #expect(try cut.at("candidates", as: [Any].self).count == 3)
            #expect(try cut.at("candidates.2.finishReason") == "MAX_TOKENS")
            #expect(try cut.at("usageMetadata.candidatesTokenCount") == 12)
            let called = try await simulator.send(
                Self.path + "generateContent", Self.body, simulate: "output=8;tool=lookup", key: Self.key
            ).json
            #expect(try called.at("candidates.0.content.parts.0.functionCall.name") == "lookup")
            #expect(try called.at("candidates.0.content.parts.0.functionCall.args.text", as: String.self).count == 32)
        }
    }

    @Test func `errors have Google's form, and only its own header is a key`() async throws {
        try await withSimulator { simulator in
            let path = Self.path + "generateContent"
            let nobody = try await simulator.send(path, Self.body, key: ("x-api-key", "k"))
            #expect(nobody.status == 401)
            #expect(try nobody.json.at("error.status") == "UNAUTHENTICATED")
            let told = try await simulator.send(path, Self.body, simulate: "status=429;retry-after=3", key: Self.key)
            #expect(told.status == 429 && told.headers["retry-after"] == "3")
            #expect(try told.json.at("error.code") == 429 && told.json.at("error.status") == "RESOURCE_EXHAUSTED")
            let empty = try await simulator.send(path, "{}", key: Self.key)
            #expect(try empty.json.at("error.status") == "INVALID_ARGUMENT")
            let unknown = try await simulator.send(Self.path + "predict", Self.body, key: Self.key)
            #expect(unknown.status == 404)
        }
    }
}
