import NIOHTTP1
import Testing

@testable import WeirGateway

@Suite struct CredentialTests {
    /// SHA-256 of `abc`, from FIPS 180-2.
    private let abc = Credential.sha256("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")

    @Test(arguments: [
        [("Authorization", "Bearer abc")], [("authorization", "bearer abc")], [("AUTHORIZATION", "BEARER   abc")],
        [("x-goog-api-key", "abc")], [("X-Goog-Api-Key", "abc"), ("x-api-key", "abc")],
        [("x-api-key", "abc")], [("X-Api-Key", "abc")], [("x-api-key", "abc"), ("authorization", "Bearer abc")],
    ])
    func `all forms are the same key`(fields: [(String, String)]) {
        #expect(Credential(HTTPHeaders(fields)) == abc)
    }

    @Test(arguments: [
        [("x-api-key", "abc"), ("authorization", "Bearer abd")], [("x-api-key", "abc"), ("x-api-key", "abd")],
        [("authorization", "Basic abc")], [("authorization", "abc")], [("authorization", "Bearer ")],
        [("authorization", "Bearer a b")], [("x-api-key", "")], [("x-api-key", "ä")],
        [("x-goog-api-key", "abc"), ("x-api-key", "abd")], [("x-goog-api-key", "")],
        [("x-api-key", String(repeating: "k", count: 513))],
    ])
    func `two keys, or what is no key, is nobody's`(fields: [(String, String)]) {
        #expect(Credential(HTTPHeaders(fields)) == .malformed)
    }

    @Test func `a key in the query is the same as one in a header`() {
        #expect(Credential([:], queryKeys: ["abc"]) == abc)
        #expect(Credential(["x-api-key": "abc"], queryKeys: ["abc", "abc"]) == abc)
        #expect(Credential(["x-api-key": "abd"], queryKeys: ["abc"]) == .malformed)
        #expect(Credential([:], queryKeys: ["abc", "abd"]) == .malformed)
        #expect(Credential(["x-api-key": "abc"], queryKeys: [""]) == .malformed)
    }

    @Test func `no key is missing`() { #expect(Credential(["accept": "x"]) == .missing) }

    @Test func `keys that share a long beginning stay apart`() {
        let common = String(repeating: "k", count: 200)
        #expect(Credential(["x-api-key": common + "1"]) != Credential(["x-api-key": common + "2"]))
    }
}
