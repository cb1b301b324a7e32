import Testing

@testable import WeirChaos

@Suite struct ChaosFaultsTests {
    @Test func `every field is read from its words, and written as it was read`() throws {
        let words: [(ChaosFaults.Field, String)] = [
            (.delay, "50ms"), (.jitter, "2s"), (.bandwidth, "64k"), (.blackHole, "on"), (.oneByte, "on"),
            (.cutAfter, "100..2000"), (.ending, "half-close"), (.refuse, "20"), (.way, "down"),
        ]
        #expect(Set(words.map(\.0)) == Set(ChaosFaults.Field.allCases))
        var faults = ChaosFaults()
        for (field, text) in words { try faults.set(field, to: text) }
        var expected = ChaosFaults()
        expected.delay = .milliseconds(50)
        expected.jitter = .seconds(2)
        expected.bytesPerSecond = 64_000
        expected.isBlackHole = true
        expected.writesSingleBytes = true
        expected.cutAfter = 100...2000
        expected.ending = .halfClose
        expected.refusedPercent = 20
        expected.way = .down
        #expect(faults == expected)
        var again = ChaosFaults()
        for words in "\(faults)".split(separator: ", ").map({ $0.split(separator: " ") }) {
            try again.set(try #require(ChaosFaults.Field(rawValue: String(words[0]))), to: String(words[1]))
        }
        #expect(again == faults)
        #expect("\(ChaosFaults())" == "none")
    }

    @Test(arguments: [
        ("delay", "50"), ("delay", "50 ms"), ("delay", "-1ms"), ("delay", "61m"), ("delay", "9999999999999999999s"),
        ("delay", "1.5s"), ("delay", ""), ("jitter", "ms"), ("bandwidth", "0"), ("bandwidth", "64K"),
        ("bandwidth", "k"), ("black-hole", "yes"), ("one-byte", ""), ("cut-after", "5..1"), ("cut-after", "1..2..3"),
        ("cut-after", ".."), ("cut-after", "-1"), ("ending", "rst"), ("refuse", "101"), ("refuse", "1%"),
        ("way", "left"),
    ])
    func `a word that cannot be meant is refused with what would be right`(field: String, text: String) throws {
        var faults = ChaosFaults()
        let field = try #require(ChaosFaults.Field(rawValue: field))
        let problem = #expect(throws: ChaosFaults.Problem.self) { try faults.set(field, to: text) }
        #expect(problem?.description.contains("write") == true)
        #expect(faults == ChaosFaults())
    }

    @Test func `a seed stands for one row of faults`() {
        func row(_ seed: UInt64) -> [ChaosFaults] {
            var numbers = SplitMix64(seed: seed)
            return (0..<200).map { _ in .random(using: &numbers) }
        }
        #expect(row(7) == row(7))
        #expect(row(7) != row(8))
        // All kinds come in turn, none among them.
        let kinds = Set(row(7).map { "\($0)".split(separator: " ").first ?? "" })
        #expect(kinds == ["delay", "jitter", "bandwidth", "black-hole", "one-byte", "cut-after", "none"])
    }
}
