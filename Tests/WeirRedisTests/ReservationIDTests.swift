import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@Suite struct ReservationIDTests {
    @Test func `an id tells its birth and is read back`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        for birthMs in [0, 1, 1_795_262_400_000, 1 << 48 - 1] + (0..<500).map({ _ in Int.random(in: 0..<1 << 48) }) {
            let id = ReservationID(birthMs: birthMs, using: &generator)
            #expect(id.birthMs == birthMs)
            #expect(id.text.utf8.count == 26)
            #expect(ReservationID(id.text) == id, "seed \(seed)")
            #expect(Subject.isValidID(id.text))
            #expect(id.text.hasPrefix(ReservationID.prefix(birthMs: birthMs)))
        }
        // The example of the ULID specification: the same instant has the same first ten characters.
        #expect(ReservationID.prefix(birthMs: 1_469_918_176_385) == "01ARYZ6S41")
        #expect(ReservationID("01ARZ3NDEKTSV4RRFFQ69G5FAV")?.birthMs == 1_469_922_850_259)
    }

    @Test func `births beyond 48 bits are clamped, never a trap`() {
        var generator = SeededGenerator(seed: 1)
        #expect(ReservationID(birthMs: -5, using: &generator).birthMs == 0)
        #expect(ReservationID(birthMs: .min, using: &generator).birthMs == 0)
        #expect(ReservationID(birthMs: .max, using: &generator).birthMs == 1 << 48 - 1)
    }

    @Test func `ids sort by birth`() {
        var generator = SeededGenerator(seed: 2)
        let births = (0..<1_000).map { _ in Int.random(in: 0..<1 << 48, using: &generator) }
        let ids = births.sorted().map { ReservationID(birthMs: $0, using: &generator).text.prefix(10) }
        #expect(ids == ids.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
    }

    @Test func `ids of one instant differ`() {
        var generator = SystemRandomNumberGenerator()
        let ids = Set((0..<100_000).map { _ in ReservationID(birthMs: 1_795_262_400_000, using: &generator) })
        #expect(ids.count == 100_000)
    }

    @Test(arguments: [
        "", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAVV", "01arz3ndektsv4rrffq69g5fav",
        "01ARZ3NDEKTSV4RRFFQ69G5FAI", "01ARZ3NDEKTSV4RRFFQ69G5FA\n", "81ARZ3NDEKTSV4RRFFQ69G5FAV",
        "ZZZZZZZZZZZZZZZZZZZZZZZZZZ", "01ARZ3NDEKTSV4RRFFQ69G5F{}", "01ARZ3NDEKTSV4RRFFQ69G5FÄ",
    ])
    func `any other text is no id`(text: String) { #expect(ReservationID(text) == nil) }
}
