import WeirCore

/// `2026-12-01T00:00:00Z`; milliseconds are rounded up to a whole second, so that waiting until then is enough.
package func rfc3339(ms: Int) -> String {
    let (up, overflow) = ms.addingReportingOverflow(999)
    let seconds = (overflow ? ms : up).flooredDivision(by: 1_000)
    let number = seconds.flooredDivision(by: 86_400)
    let rest = seconds - number * 86_400
    let day = UTCDay(number: number)
    // Written by hand: it stands in the headers of many answers, up to twice.
    return String(unsafeUninitializedCapacity: 20) { buffer in
        let parts = [
            (0, day.year / 100), (2, day.year % 100), (5, day.month), (8, day.day), (11, rest / 3_600),
            (14, rest / 60 % 60), (17, rest % 60),
        ]
        for (index, part) in parts {
            buffer[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: part / 10)
            buffer[index + 1] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: part % 10)
        }
        (buffer[4], buffer[7], buffer[10]) = (UInt8(ascii: "-"), UInt8(ascii: "-"), UInt8(ascii: "T"))
        (buffer[13], buffer[16], buffer[19]) = (UInt8(ascii: ":"), UInt8(ascii: ":"), UInt8(ascii: "Z"))
        return 20
    }
}

extension Int {
    fileprivate func flooredDivision(by divisor: Int) -> Int {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
