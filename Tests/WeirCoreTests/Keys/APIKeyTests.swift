import Testing
import WeirCore

@Suite struct APIKeyTests {
    @Test func `a key has an id, 190 bits of secret and a checksum`() throws {
        var generator = SystemRandomNumberGenerator()
        let key = APIKey.generate(using: &generator)
        #expect(key.text.utf8.count == 3 + 8 + 1 + 32 + 6)
        #expect(key.text.hasPrefix(key.id + "_"))
        #expect(key.id.hasPrefix("wk_"))
        #expect(Subject.isValidID(key.id))
        #expect(APIKey(key.text) == key)
        #expect(APIKey.generate(using: &generator) != key)
    }

    @Test func `the same numbers make the same key`() {
        // The checksum is zlib's crc32 of all before it, in base 62: checked with Python.
        var generator = PolicyFileFuzzTests.Seeded(state: 1)
        var again = PolicyFileFuzzTests.Seeded(state: 1)
        #expect(APIKey.generate(using: &generator) == APIKey.generate(using: &again))
        #expect(APIKey("wk_00000000_00000000000000000000000000000000" + "3XfsTZ") != nil)
    }

    @Test func `every single wrong character is noticed`() {
        var generator = SystemRandomNumberGenerator()
        let bytes = Array(APIKey.generate(using: &generator).text.utf8)
        for index in bytes.indices {
            var changed = bytes
            changed[index] = changed[index] == UInt8(ascii: "a") ? UInt8(ascii: "b") : UInt8(ascii: "a")
            #expect(APIKey(String(decoding: changed, as: UTF8.self)) == nil)
        }
    }

    @Test(arguments: ["", "wk_", "sk-ant-123", "wk_é", String(repeating: "wk_", count: 1000), "\u{0}"])
    func `other text is no key`(text: String) { #expect(APIKey(text) == nil) }

    @Test func `a key does not give itself away in a log`() {
        var generator = SystemRandomNumberGenerator()
        let key = APIKey.generate(using: &generator)
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(reflecting: key), dumped, "\([key])", "\(Optional(key) as Any)"] {
            #expect(!text.contains(key.text.dropFirst(12)))
        }
    }
}
