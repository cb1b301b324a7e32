import Testing
import WeirCore

@Suite struct MicroUSDTests {
    @Test(arguments: [
        ("0", 0), ("20.00", 20_000_000), ("0.5", 500_000), ("0.000001", 1), ("9000000000", 9_000_000_000_000_000),
    ])
    func `dollars are read exactly`(text: String, micros: Int) {
        #expect(MicroUSD(text)?.micros == micros)
    }

    @Test(arguments: ["", ".5", "1.", "-1", "1e3", "0.0000001", "1,5", " 1", "9000000001", "٣", "nan"])
    func `what is no amount of dollars is refused`(text: String) {
        #expect(MicroUSD(text) == nil)
    }

    @Test func `any amount survives being written and read`() {
        for _ in 0..<10_000 {
            let money = MicroUSD(micros: .random(in: 0...9_000_000_000_000_000))
            #expect(MicroUSD(money.description) == money)
        }
    }

    @Test(arguments: [(0, "0.00"), (1, "0.000001"), (2_303_610, "2.30361"), (-1_500_000, "-1.50")])
    func `dollars are written with two to six decimals`(micros: Int, text: String) {
        #expect(MicroUSD(micros: micros).description == text)
    }

    @Test func `sums and products stop at the largest number`() {
        #expect(MicroUSD(micros: .max) + MicroUSD(micros: 1) == MicroUSD(micros: .max))
        #expect(Int.min.addingSaturated(-1) == .min)
        #expect(Int.max.multipliedSaturated(by: -2) == .min)
        #expect(Int.min.multipliedSaturated(by: -1) == .max)
    }
}
