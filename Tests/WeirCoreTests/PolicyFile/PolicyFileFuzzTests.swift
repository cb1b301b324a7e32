import Testing
import WeirCore

@Suite struct PolicyFileFuzzTests {
    /// A small generator with a seed, so that a failure can be repeated.
    struct Seeded: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
            return mixed ^ (mixed >> 31)
        }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `no mutation of a file traps, and each is read or refused with a place`(seed: UInt64) {
        var generator = Seeded(state: seed)
        let original = Array(shippedPolicy.utf8)
        let pieces = [
            "{", "}", "[", "]", ": ", "- ", "\n", "\t", "\"", "'", "#", "&a ", "*a ", "? ", "|", ">", "%", "${", "}",
            "~",
            "-1", "99999999999999999999", "1e999", "nan", "\u{0}", "\u{1F9D1}", "é", "!!int ", "!<x> ", "<<: ", "---\n",
            "0.0000001", "null", "\\ud800", "\"\\ud800\"",
        ].map { Array($0.utf8) }
        for _ in 0..<400 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: bytes.insert(contentsOf: pieces.randomElement(using: &generator) ?? [], at: at)
                case 1: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...40, using: &generator)))
                case 2: bytes[at] = UInt8.random(in: 0...255, using: &generator)
                case 3: bytes.removeLast(Int.random(in: 0..<min(300, bytes.count), using: &generator))
                default:
                    let end = min(bytes.count, at + Int.random(in: 1...80, using: &generator))
                    bytes.insert(contentsOf: bytes[at..<end], at: Int.random(in: 0..<bytes.count, using: &generator))
                }
                if bytes.isEmpty { bytes = original }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            do {
                let policy = try PolicyFile.read(text: text, name: "p", environment: ["A": "1"])
                #expect(!policy.products.isEmpty)
            } catch {
                #expect(!error.errors.isEmpty)
                #expect(error.errors.allSatisfy { $0.line >= 1 && $0.column >= 1 })
            }
        }
    }

    @Test(arguments: [
        String(repeating: "[", count: 20_000), String(repeating: "{a: ", count: 20_000),
        String(repeating: "- ", count: 20_000), String(repeating: "? ", count: 20_000),
        "a: " + String(repeating: "[", count: 900) + String(repeating: "]", count: 900),
        "? " + String(repeating: "[", count: 900) + String(repeating: "]", count: 900),
        String(repeating: "#", count: PolicyFile.largestTextBytes + 1),
    ])
    func `deep and large texts are refused`(text: String) {
        #expect(throws: PolicyErrors.self) { try PolicyFile.read(text: text, name: "p") }
    }
}
