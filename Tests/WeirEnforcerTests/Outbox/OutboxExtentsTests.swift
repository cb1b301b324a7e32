import Testing
import WeirTestSupport

@testable import WeirEnforcer

@Suite struct OutboxExtentsTests {
    /// Against a model that keeps every number.
    @Test func `a segment is through with the last of its rows, in whatever order they go`() {
        var random = SeededGenerator()
        for _ in 0..<200 {
            var extents = OutboxExtents()
            var model: [Int: Int] = [:]
            var (number, start, gone): (Int, Int, [Int]) = (0, 0, [])
            for segment in 1...Int.random(in: 1..<6, using: &random) {
                start = 0
                for _ in 0..<Int.random(in: 1..<30, using: &random) {
                    // Now and then one was forgotten before it was written.
                    number += Int.random(in: 0..<8, using: &random) == 0 ? 2 : 1
                    extents.append(number, atMs: 1_000 + number, bytes: 10, segment: segment, at: start)
                    model[number] = segment
                    start += 10
                    if Int.random(in: 0..<3, using: &random) == 0, let any = model.keys.randomElement(using: &random) {
                        gone.append(any)
                        let segment = model.removeValue(forKey: any)
                        let isLast = !model.values.contains { $0 == segment }
                        #expect(extents.forget(any) == (isLast ? segment : nil), "seed \(random.seed)")
                    }
                }
            }
            for number in gone { #expect(extents.forget(number) == nil && extents.extent(of: number) == nil) }
            for number in model.keys {
                #expect(extents.extent(of: number)?.segment == model[number], "seed \(random.seed)")
            }
            #expect(extents.bytes == 10 * model.count && extents.segmentCount == Set(model.values).count)
            #expect(extents.oldestAtMs == model.keys.min().map { 1_000 + $0 }, "seed \(random.seed)")
            for number in model.keys.shuffled(using: &random) {
                let segment = model.removeValue(forKey: number)
                let isLast = !model.values.contains { $0 == segment }
                #expect(extents.forget(number) == (isLast ? segment : nil), "seed \(random.seed)")
            }
            #expect(extents.bytes == 0 && extents.all.isEmpty && extents.oldestAtMs == nil && extents.segmentCount == 0)
        }
    }
}
