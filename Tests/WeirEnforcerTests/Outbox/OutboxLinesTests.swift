import Testing
import WeirTestSupport

@testable import WeirEnforcer

@Suite struct OutboxLinesTests {
    private func lines(_ text: [UInt8], from start: Int = 0) -> OutboxLines {
        text.withUnsafeBytes { OutboxLines($0, from: start) }
    }

    private func texts(_ bytes: [UInt8], from start: Int = 0) -> [String] {
        lines(bytes, from: start).whole.map { String(decoding: bytes[$0.bytes], as: UTF8.self) }
    }

    @Test func `lines end with a newline, and zeros after them are nothing`() {
        #expect(texts(Array("{a}\n{b}\n\0\0\0".utf8)) == ["{a}", "{b}"])
        #expect(texts(Array("{a}\n{b}\n".utf8), from: 4) == ["{b}"])
        #expect(lines([]) == lines([0, 0, 0]))
        #expect(lines(Array("{a}\n".utf8)).fragments == 0)
    }

    /// As ``OutboxSegment/append(_:at:)`` writes: whatever of a line is there, its first byte comes last.
    @Test(arguments: ["{a}\n\0b}\n", "{a}\n\0\0}\n\0\0", "{a}\n\0b\0\0", "{a}\n{b}"])
    func `a line that was not written to its end is a fragment`(text: String) {
        let found = lines(Array(text.utf8))
        #expect(texts(Array(text.utf8)).first == "{a}")
        // With its newline it may be one: what is no settlement is told by its reader.
        #expect(found.fragments + found.whole.dropFirst().filter(\.isAfterGap).count == 1)
    }

    /// Against lines that were told apart before some pages were taken.
    @Test func `lines away from missing pages are found, and those at them are marked`() {
        var random = SeededGenerator()
        for _ in 0..<500 {
            let page = 64
            var bytes: [UInt8] = []
            var ranges: [Range<Int>] = []
            for _ in 0..<Int.random(in: 0..<40, using: &random) {
                let line = [UInt8](
                    repeating: UInt8.random(in: 33...126, using: &random), count: Int.random(in: 1..<90, using: &random)
                )
                ranges.append(bytes.count..<(bytes.count + line.count))
                bytes += line + [UInt8(ascii: "\n")]
            }
            bytes += [UInt8](repeating: 0, count: page - bytes.count % page)
            let missing = (0..<(bytes.count / page)).filter { _ in Int.random(in: 0..<6, using: &random) == 0 }
            for number in missing { for offset in (number * page)..<((number + 1) * page) { bytes[offset] = 0 } }
            let untouched = ranges.filter { range in
                missing.allSatisfy {
                    !(range.lowerBound...range.upperBound).overlaps(($0 * page)...(($0 + 1) * page - 1))
                }
            }
            let found = lines(bytes)
            #expect(Set(found.whole.map(\.bytes)).isSuperset(of: untouched), "seed \(random.seed)")
            for line in found.whole where !line.isAfterGap {
                #expect(untouched.contains(line.bytes), "seed \(random.seed)")
            }
        }
    }
}
