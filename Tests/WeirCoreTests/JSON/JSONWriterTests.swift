import Testing
import WeirCore

@Suite struct JSONWriterTests {
    @Test func `commas come between values and nowhere else`() {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("a", 1)
        writer.key("b")
        writer.beginArray()
        writer.beginObject()
        writer.endObject()
        writer.null()
        writer.bool(true)
        writer.raw([UInt8(ascii: "7")])
        writer.endArray()
        writer.member("c", "x")
        writer.member("d", ifPresent: nil as Int?)
        writer.key(text: "e\"")
        writer.bool(false)
        writer.endObject()
        #expect(String(decoding: writer.bytes, as: UTF8.self) == #"{"a":1,"b":[{},null,true,7],"c":"x","e\"":false}"#)
    }

    @Test(arguments: [
        (0, "0"), (-1, "-1"), (1_234_567, "1234567"), (.max, "9223372036854775807"), (.min, "-9223372036854775808"),
    ])
    func `integers are written in full`(value: Int, text: String) {
        var writer = JSONWriter()
        writer.int(value)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == text)
    }

    @Test func `a string is escaped wherever in it that must be, as an element and as a member`() throws {
        for length in 1...20 {
            for place in 0..<length {
                for special in ["\"", "\\", "\u{1f}", "\u{e9}", "\u{7f}"] {
                    var parts = [String](repeating: "x", count: length)
                    parts[place] = special
                    let text = parts.joined()
                    var writer = JSONWriter(capacity: 1)
                    writer.beginArray()
                    writer.string(text)
                    writer.string(text)
                    writer.beginObject()
                    writer.member("a", text)
                    writer.member("b", text)
                    writer.endObject()
                    writer.endArray()
                    let escaped =
                        special == "\u{1f}"
                        ? "\\u001f" : special == "\u{e9}" || special == "\u{7f}" ? special : "\\" + special
                    parts[place] = escaped
                    let quoted = "\"" + parts.joined() + "\""
                    #expect(
                        String(decoding: writer.bytes, as: UTF8.self)
                            == "[\(quoted),\(quoted),{\"a\":\(quoted),\"b\":\(quoted)}]")
                }
            }
        }
    }

    @Test func `every string comes back as it was`() throws {
        let texts = ["", "plain", "\"\\/", "\u{0}\u{1}\u{1f}\u{7f}\u{8}\u{c}\n\r\t", "\u{e9}\u{20ac}\u{1F600}\u{2028}"]
        for text in texts {
            var writer = JSONWriter()
            writer.string(text)
            #expect(writer.bytes.allSatisfy { $0 >= 0x20 })
            let back = try JSONScanner.read(writer.bytes) { (scanner) throws(JSONError) in try scanner.string() }
            #expect(back == text)
        }
    }
}
