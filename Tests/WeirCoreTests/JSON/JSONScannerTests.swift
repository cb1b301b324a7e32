import Testing
import WeirCore

@Suite struct JSONScannerTests {
    private enum Field: String, CaseIterable, Sendable { case model, n, stream, longer = "max_tokens" }
    private static let fields = JSONFields(Field.self)

    private func skip(_ text: String) throws(JSONError) {
        try JSONScanner.read(Array(text.utf8)) { (scanner) throws(JSONError) in _ = try scanner.skip() }
    }

    private func string(_ bytes: [UInt8]) throws(JSONError) -> String {
        try JSONScanner.read(bytes) { (scanner) throws(JSONError) in try scanner.string() }
    }

    private func int(_ text: String) throws(JSONError) -> Int {
        try JSONScanner.read(Array(text.utf8)) { (scanner) throws(JSONError) in try scanner.int() }
    }

    private func known(_ text: String) throws(JSONError) -> [String] {
        try JSONScanner.read(Array(text.utf8)) { (scanner) throws(JSONError) in
            var found: [String] = []
            var members = try scanner.beginObject()
            while let field = try scanner.next(&members, in: Self.fields) {
                let range = try scanner.skip()
                found.append("\(field)@\(range.lowerBound)..<\(range.upperBound)")
            }
            return found
        }
    }

    @Test(arguments: [
        "{}", "[]", " [ ] ", "0", "-1.5e+10", "1e400", "-0", "\"\"", "null", "true", "false", "[1,2,[3,{\"a\":[]}]]",
        "{\"a\":{\"b\":{}},\"c\":\"\\u00e9\\n\\\\\"}", "\t\r\n{ \"a\" : [ 1 , 2 ] }\n", "[\"\\ud800\"]",
    ])
    func `valid text is passed over`(text: String) throws { try skip(text) }

    @Test(arguments: [
        "", " ", "{", "[", "[1", "[1,", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{'a':1}",
        "[1 2]",
        "{\"a\":1 \"b\":2}", "01", "1.", ".5", "+1", "1e", "1e+", "-", "--1", "NaN", "Infinity", "nul", "tru", "TRUE",
        "truex", "\"", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"a\nb\"", "\"\u{1}\"", "// c\n1", "/* c */1",
        "\u{FEFF}{}", "{}{}", "[]]", "1 2", "[1}", "{\"a\":1]", "\"a\" \"b\"", "{1:2}", "\u{0}", "[1]\u{0}",
    ])
    func `text that is not JSON is refused`(text: String) { #expect(throws: JSONError.self) { try skip(text) } }

    @Test func `every proper prefix of a text is refused`() {
        let text = Array(#"{"a":[1,2.5e1,"x\u00e9\"y"],"b":{"c":null,"d":[true,false]}}"#.utf8)
        for count in 0..<text.count {
            #expect(throws: JSONError.self, "\(count) bytes") {
                try JSONScanner.read(Array(text[..<count])) { (scanner) throws(JSONError) in _ = try scanner.skip() }
            }
        }
    }

    @Test func `containers nest 64 deep and no deeper`() throws {
        func nested(_ count: Int) -> String {
            String(repeating: "[", count: count) + String(repeating: "]", count: count)
        }
        try skip(nested(64))
        #expect(throws: JSONError(.tooDeep, at: 64)) { try skip(nested(65)) }
        #expect(throws: JSONError.self) { try skip(String(repeating: "[", count: 1_000_000)) }
        #expect(throws: JSONError(.tooDeep, at: 74)) { try known(#"{"unknown":"# + nested(64) + "}") }
    }

    @Test(arguments: [("0", 0), ("-1", -1), ("9223372036854775807", .max), ("-9223372036854775808", .min), (" 7 ", 7)])
    func `an integer is read exactly`(text: String, value: Int) throws { #expect(try int(text) == value) }

    @Test(arguments: [
        "1.0", "1e3", "1e400", "-0", "00", "01", "9223372036854775808", "-9223372036854775809",
        "99999999999999999999999999999999999999", "\"1\"", "null", "true", "-", "",
    ])
    func `what is not exactly an integer is refused`(text: String) { #expect(throws: JSONError.self) { try int(text) } }

    @Test func `escapes are decoded`() throws {
        #expect(
            try string(Array(#""a\"\\\/\b\f\n\r\t\u00e9\u20ac\ud83d\ude00z""#.utf8))
                == "a\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{20ac}\u{1F600}z")
        #expect(try string(Array("\"\u{e9}\u{20ac}\u{1F600}\"".utf8)) == "\u{e9}\u{20ac}\u{1F600}")
        #expect(try string(Array(#""\u0000""#.utf8)) == "\u{0}")
    }

    @Test(arguments: [#""\ud800""#, #""\ude00""#, #""\ud83d\ud83d""#, #""\ud83dx""#, #""\ud83d\n""#])
    func `half a surrogate pair is refused`(text: String) {
        #expect(throws: JSONError.self) { try string(Array(text.utf8)) }
    }

    @Test(
        arguments: [[0xFF], [0xC0, 0x80], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80]] as [[UInt8]])
    func `invalid UTF-8 in a string is refused, with escapes and without`(bytes: [UInt8]) {
        #expect(throws: JSONError(.invalidUTF8, at: 1)) { try string([0x22] + bytes + [0x22]) }
        #expect(throws: JSONError(.invalidUTF8, at: 1)) { try string([0x22, 0x5C, 0x6E] + bytes + [0x22]) }
    }

    @Test func `known members are found, unknown ones skipped, with the exact bytes of each value`() throws {
        let found = try known(#"{"x":[{"model":1}],"model" : "a" ,"max_tokens":10,"mod":0,"models":0,"stream":true}"#)
        #expect(found == ["model@29..<32", "longer@47..<49", "stream@78..<82"])
    }

    @Test(arguments: [
        #"{"model":1,"model":2}"#, #"{"mod\u0065l":1,"model":2}"#, #"{"model":1,"x":{},"\u006dodel":2}"#,
    ])
    func `a known key that appears twice is refused, escaped or not`(text: String) {
        #expect {
            try known(text)
        } throws: {
            ($0 as? JSONError)?.problem == .duplicateKey("model")
        }
    }

    @Test func `an escaped key is the key it spells`() throws {
        #expect(try known(#"{"m\u006fdel":1,"\ud800":2}"#) == ["model@14..<15"])
    }

    @Test func `long strings end where they end, at every length and alignment`() throws {
        for length in 0..<70 {
            for tail in ["\\n", "\u{e9}", "\u{7f}", "!"] {
                let text = String(repeating: "x", count: length) + tail
                let wanted = String(repeating: "x", count: length) + (tail == "\\n" ? "\n" : tail)
                #expect(try string(Array("\"\(text)\"".utf8)) == wanted)
                #expect(throws: JSONError.self) { try string(Array("\"\(text)".utf8)) }
                #expect(throws: JSONError.self) { try string(Array("\"\(text)\u{1f}\"".utf8)) }
            }
        }
    }

    @Test func `arrays are read element by element`() throws {
        let sum = try JSONScanner.read(Array("[1, 2 ,3]".utf8)) { (scanner) throws(JSONError) in
            var sum = 0
            var elements = try scanner.beginArray()
            while try scanner.next(&elements) { sum += try scanner.int() }
            return sum
        }
        #expect(sum == 6)
    }

    @Test func `random bytes never trap and never pass as an object by accident`() {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array(#"{}[]",:\u0041dD8model1e-. tfn"#.utf8) + [0xFF, 0x00]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<24, using: &random)).map { _ in alphabet.randomElement() ?? 0 }
            _ = try? JSONScanner.read(bytes) { (scanner) throws(JSONError) in
                var members = try scanner.beginObject()
                while try scanner.next(&members, in: Self.fields) != nil { try scanner.skip() }
            }
            _ = try? JSONScanner.read(bytes) { (scanner) throws(JSONError) in try scanner.string() }
            _ = try? JSONScanner.read(bytes) { (scanner) throws(JSONError) in try scanner.int() }
            _ = try? JSONScanner.read(bytes) { (scanner) throws(JSONError) in _ = try scanner.skip() }
        }
    }
}
