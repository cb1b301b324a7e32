import Testing
import WeirCore

@Suite struct ByteCursorTests {
    @Test func `parts stand one after the other`() {
        let text = String(bytes: 64) { cursor in
            cursor.put("a" as StaticString)
            cursor.put("" as String)
            cursor.put("more than fifteen bytes, ä")
            cursor.put(UInt8(ascii: "-"))
            [UInt8]("raw".utf8).withUnsafeBytes { cursor.put($0) }
        }
        #expect(text == "amore than fifteen bytes, ä-raw")
    }

    @Test func `numbers are written as Swift writes them, and measured right`() {
        var numbers = [0, .max, .min, .max - 1, .min + 1]
        var power = 1
        for _ in 0..<18 {
            power *= 10
            numbers += [power - 1, power, power + 1, 1 - power, -power]
        }
        for number in numbers {
            #expect(String(bytes: 20) { $0.put(decimal: number) } == String(number))
            #expect(ByteCursor.bytes(ofDecimal: number) == String(number).utf8.count)
        }
    }

    @Test func `it fills what was measured to the last byte, and stops the process before one more`() async {
        #expect(String(bytes: 3) { $0.put("abc") } == "abc")
        await #expect(processExitsWith: .failure) {
            _ = String(bytes: 3) { $0.put("abcd") }
        }
    }

    @Test func `texts that Unicode takes for the same have other bytes`() {
        #expect("caf\u{e9}" == "cafe\u{301}")
        #expect(!"caf\u{e9}".hasSameBytes(as: "cafe\u{301}"))
        #expect("caf\u{e9}".hasSameBytes(as: "caf\u{e9}"))
        #expect("".hasSameBytes(as: ""))
        #expect(!"a".hasSameBytes(as: ""))
        #expect(!"abc".hasSameBytes(as: "abd"))
    }
}
