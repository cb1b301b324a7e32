import Testing
import WeirProviders

@Suite struct UsageChunkFilterTests {
    private static let events = [
        #"data: {"choices":[{"index":0,"delta":{"content":"\"prompt_tokens\" é"}}],"usage":null}"#,
        #"data: {"choices":[{"index":0,"delta":{"content":"prompt_tokens"}}],"usage":{"prompt_tokens":1}}"#,
        ": keep-alive",
    ]
    private static let usage =
        #"data: {"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#
    private static let end = "data: [DONE]"

    private func filter(_ pieces: [[UInt8]]) -> [UInt8] {
        var filter = UsageChunkFilter()
        var output: [UInt8] = []
        for piece in pieces {
            switch piece.withUnsafeBytes({ filter.filter($0) }) {
            case .unchanged: output += piece
            case .replaced(let bytes): output += bytes
            }
        }
        return output + filter.finish()
    }

    private func stream(_ events: [String], _ newline: String) -> [UInt8] {
        Array(events.map { $0 + newline + newline }.joined().utf8)
    }

    @Test(arguments: ["\n", "\r\n", "\r"])
    func `only the usage chunk goes, at every split`(newline: String) {
        let wanted = stream(Self.events + [Self.end], newline)
        let bytes = stream(Self.events + [Self.usage, Self.end], newline)
        #expect(filter([bytes]) == wanted)
        #expect(filter(bytes.map { [$0] }) == wanted)
        for first in 0...bytes.count {
            #expect(filter([Array(bytes[..<first]), Array(bytes[first...])]) == wanted, "cut at \(first)")
        }
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        for _ in 0..<300 { #expect(filter(bytes.pieces(using: &random)) == wanted, "seed \(seed)") }
    }

    @Test(arguments: ["\n", "\r\n", "\r"])
    func `a stream without a usage chunk passes unchanged`(newline: String) {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        let bytes = stream(Self.events + [Self.end], newline) + Array("data: unfinished".utf8)
        for _ in 0..<300 { #expect(filter(bytes.pieces(using: &random)) == bytes, "seed \(seed)") }
    }

    @Test(arguments: [
        #"{"choices":[{"delta":{}}],"usage":{"prompt_tokens":1}}"#,
        #"{"choices":[],"usage":null,"x":"prompt_tokens","prompt_tokens":1}"#,
        #"{"choices":[],"x":{"prompt_tokens":1}}"#, #"{"usage":{"prompt_tokens":1}}"#,
        #"{"choices":[],"usage":{"prompt_tokens":1}"#,
        #"{"choices":null,"usage":{"prompt_tokens":1}}"#, "\"prompt_tokens\"", "[]",
    ])
    func `what is not exactly a usage chunk stays`(data: String) {
        let bytes = Array("data: \(data)\n\n".utf8)
        #expect(filter([bytes]) == bytes)
    }

    @Test func `whole events pass at once, as the bytes they came in`() {
        var filter = UsageChunkFilter()
        for event in Self.events + [Self.end] {
            let bytes = Array((event + "\n\n").utf8)
            #expect(bytes.withUnsafeBytes { filter.filter($0) } == .unchanged)
        }
        // Two events and the beginning of a third: the two pass at once.
        let two = Array("data: a\n\ndata: b\n\n".utf8)
        #expect((two + Array("data: ".utf8)).withUnsafeBytes { filter.filter($0) } == .replaced(two))
        #expect(Array("c\n\n".utf8).withUnsafeBytes { filter.filter($0) } == .replaced(Array("data: c\n\n".utf8)))
        let usage = Array((Self.usage + "\n\n").utf8)
        #expect(usage.withUnsafeBytes { filter.filter($0) } == .replaced([]))
    }

    @Test func `a giant event passes as it comes and is not held`() {
        var filter = UsageChunkFilter()
        let piece = [UInt8](repeating: 0x78, count: 10_000)
        var output: [UInt8] = []
        var input: [UInt8] = []
        for part in [Array("data: ".utf8)] + Array(repeating: piece, count: 100) + [
            Array("\n\n".utf8), stream([Self.usage, Self.end], "\n"),
        ] {
            input += part
            switch part.withUnsafeBytes({ filter.filter($0) }) {
            case .unchanged: output += part
            case .replaced(let bytes): output += bytes
            }
            #expect(input.count - output.count <= 16 << 10)
        }
        #expect(
            output == Array("data: ".utf8) + Array(repeating: piece, count: 100).joined() + Array("\n\n".utf8)
                + stream([Self.end], "\n"))
    }
}
