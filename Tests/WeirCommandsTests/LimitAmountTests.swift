import Testing
import WeirCore

@testable import WeirCommands

@Suite struct LimitAmountTests {
    @Test(arguments: [
        ("75usd", "usd", 75_000_000), ("75.50usd", "usd", 75_500_000), ("75", "usd", 75_000_000),
        ("0.000001", "usd", 1), ("200000tokens", "tokens", 200_000), ("200000", "tokens", 200_000),
        ("10requests", "requests", 10), ("8calls", "concurrency", 8), ("8", "concurrency", 8),
        ("unlimited", "usd", 0), ("0", "requests", 0), ("0usd", "usd", 0),
        ("9007199254740991", "tokens", 9_007_199_254_740_991),
    ])
    func `an amount is a number in the limit's unit, or says the unit`(text: String, unit: String, units: Int) throws {
        #expect(try LimitAmount.units(of: text, unit: unit, limit: "l") == units)
    }

    @Test(arguments: [
        ("75usd", "tokens", "the limit l counts tokens, not usd; write 200000tokens"),
        ("8calls", "requests", "the limit l counts requests, not calls; write 10requests"),
        ("10requests", "concurrency", "the limit l counts calls, not requests; write 8calls"),
        (
            "1.5tokens", "tokens",
            "1.5tokens is not an amount of l, which counts tokens; write 200000tokens, or unlimited"
        ),
        ("", "usd", " is not an amount of l, which counts usd; write 75usd or 75.50usd, or unlimited"),
        ("usd", "usd", "usd is not an amount of l, which counts usd; write 75usd or 75.50usd, or unlimited"),
        ("-5", "requests", "-5 is not an amount of l, which counts requests; write 10requests, or unlimited"),
        ("$75", "usd", "$75 is not an amount of l, which counts usd; write 75usd or 75.50usd, or unlimited"),
        (
            "9007199254740992", "tokens",
            "9007199254740992 is not an amount of l, which counts tokens; write 200000tokens, or unlimited"
        ),
        (
            "9000000001usd", "usd",
            "9000000001usd is not an amount of l, which counts usd; write 75usd or 75.50usd, or unlimited"
        ),
    ])
    func `what does not fit the limit is refused with what would`(text: String, unit: String, problem: String) {
        let error = #expect(throws: LimitAmount.Problem.self) {
            try LimitAmount.units(of: text, unit: unit, limit: "l")
        }
        #expect(error?.description == problem)
    }

    @Test(
        arguments: [
            (75_500_000, "usd", "75.50 usd"), (200_000, "tokens", "200,000 tokens"), (8, "concurrency", "8 calls"),
            (0, "usd", "unlimited"), (1_234, nil, "1,234"),
        ] as [(Int, String?, String)])
    func `an amount is shown with its unit`(amount: Int, unit: String?, text: String) {
        #expect(LimitAmount.text(amount, unit: unit) == text)
    }
}
