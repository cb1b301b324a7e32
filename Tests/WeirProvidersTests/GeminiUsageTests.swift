import Testing
import WeirCore
import WeirProviders

@Suite struct GeminiUsageTests {
    private static let objects = [
        #"{"candidates":[{"content":{"parts":[{"text":"Hel \"}{][ \\"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":100,"totalTokenCount":100,"promptTokensDetails":[{"modality":"TEXT","tokenCount":100}]},"modelVersion":"gemini-2.5-pro","responseId":"r"}"#,
        #"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"get_weather","args":{"a":1}}}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":100,"candidatesTokenCount":9,"totalTokenCount":139,"thoughtsTokenCount":30},"modelVersion":"gemini-2.5-pro"}"#,
        #"{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":100,"candidatesTokenCount":20,"totalTokenCount":195,"cachedContentTokenCount":64,"thoughtsTokenCount":30,"toolUsePromptTokenCount":5},"modelVersion":"gemini-2.5-pro"}"#,
    ]
    /// Cached tokens are among the prompt's, results of tools and thoughts are not.
    private static let usage = TokenUsage(input: 41, cacheRead: 64, output: 50, reasoning: 30)

    private static let events = objects.map { "data: \($0)\r\n\r\n" }.joined()
    private static let array = "[" + objects.joined(separator: ",\r\n") + "]\n"

    private func read(_ pieces: [[UInt8]], isEventStream: Bool, ends: Bool = true) -> UsageReader {
        var reader = UsageReader(endpoint: .generateContent, isEventStream: isEventStream)
        for piece in pieces { reader.read(piece) }
        if ends { reader.finish() }
        return reader
    }

    private func read(_ text: String, isEventStream: Bool = false, ends: Bool = true) -> UsageReader {
        read([Array(text.utf8)], isEventStream: isEventStream, ends: ends)
    }

    private func check(_ reader: UsageReader) {
        #expect(reader.usage == Self.usage)
        #expect(reader.charge(assumingInput: .zero).usage == Self.usage)
        #expect(reader.charge(assumingInput: .zero).estimated == nil)
        #expect(reader.model == "gemini-2.5-pro")
        #expect(reader.firstTool == "get_weather")
        #expect(reader.isComplete)
        // `Hel "}{][ \` and {"a":1}: 18 bytes
        #expect(reader.observedOutput == 5)
    }

    @Test(arguments: [true, false])
    func `a stream's usage is the same at every split, as events and as one array`(isEventStream: Bool) {
        let bytes = Array((isEventStream ? Self.events : Self.array).utf8)
        check(read(bytes.map { [$0] }, isEventStream: isEventStream))
        for cut in 0...bytes.count {
            check(read([Array(bytes[..<cut]), Array(bytes[cut...])], isEventStream: isEventStream))
        }
    }

    @Test func `random pieces of an array hold the same objects`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        for _ in 0..<200 {
            var parser = JSONElementParser()
            var found: [String] = []
            for piece in Array(Self.array.utf8).pieces(using: &random) {
                piece.withUnsafeBytes { bytes in
                    var position = 0
                    while parser.next(bytes, from: &position) {
                        found.append(String(decoding: parser.element, as: UTF8.self))
                    }
                }
            }
            #expect(found == Self.objects, "seed \(seed)")
            #expect(parser.isBetweenElements)
        }
    }

    @Test func `a plain answer is one object`() {
        let reader = read(Self.objects[2])
        #expect(reader.usage == Self.usage)
        #expect(reader.charge(assumingInput: .zero).estimated == nil)
        #expect(reader.isComplete)
    }

    @Test(arguments: [true, false])
    func `a stream that is cut is charged at least what was stated and seen`(isEventStream: Bool) {
        let objects = Self.objects[..<2]
        let text =
            isEventStream
            ? objects.map { "data: \($0)\r\n\r\n" }.joined() : "[" + objects.joined(separator: ",") + #",{"candid"#
        let charge = read(text, isEventStream: isEventStream, ends: false).charge(assumingInput: .zero)
        #expect(charge.usage == TokenUsage(input: 100, output: 39, reasoning: 30))
        #expect(charge.estimated != nil)
    }

    @Test func `text without any usage is charged by its length`() {
        let answer = #"{"candidates":[{"content":{"parts":[{"text":"12345678"}]},"finishReason":"STOP"}]}"#
        let charge = read(answer).charge(assumingInput: TokenUsage(input: 7))
        #expect(charge.usage == TokenUsage(input: 7, output: 2))
        #expect(charge.estimated == "the provider stated no usage")
    }

    @Test func `a blocked prompt costs the input that is stated, and a count that is left out is zero`() {
        let reader = read(#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":12}}"#)
        #expect(reader.charge(assumingInput: .zero).usage == TokenUsage(input: 12))
        #expect(reader.charge(assumingInput: .zero).estimated == nil)
    }

    @Test func `several candidates are not over when the first is`() {
        let first =
            #"{"candidates":[{"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":1}}"#
        let text = String(repeating: "x", count: 400)
        let second = #"{"candidates":[{"content":{"parts":[{"text":"\#(text)"}]},"index":1}]}"#
        let cut = read("[\(first),\(second)", ends: false)
        #expect(!cut.isComplete)
        #expect(cut.charge(assumingInput: .zero).usage == TokenUsage(input: 5, output: 100))
    }

    @Test(arguments: ["not json", "", "[1,2]", #"{"candidates":"#, #"{"candidates":[}}"#, "<html>{}</html>"])
    func `what is no answer is charged by its length and never free of doubt`(text: String) {
        let charge = read(text).charge(assumingInput: TokenUsage(input: 3))
        #expect(charge.usage.input == 3)
        #expect(charge.estimated != nil)
    }

    @Test func `an error inside a stream is seen`() {
        let error = #"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#
        #expect(
            read("data: \(error)\n\n", isEventStream: true).providerError == "UNAVAILABLE: The model is overloaded.")
        #expect(read("[\(Self.objects[0]),\(error)]").providerError == "UNAVAILABLE: The model is overloaded.")
    }

    @Test func `counts that are none are passed over and marked`() {
        let reader = read(
            #"{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":-1,"candidatesTokenCount":2}}"#
        )
        let charge = reader.charge(assumingInput: TokenUsage(input: 8))
        #expect(charge.usage == TokenUsage(input: 8, output: 2))
        #expect(charge.estimated != nil)
    }
}
