import NIOHTTP1
import Testing

@testable import WeirGateway

@Suite struct CredentialTests {
    /// SHA-256 of `abc`, from FIPS 180-2.
    private let abc = Credential.sha256("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")

    @Test(arguments: [
        [("Authorization", "Bearer abc")], [("authorization", "bearer abc")], [("AUTHORIZATION", "BEARER   abc")],
        [("x-api-key", "abc")], [("X-Api-Key", "abc")], [("x-api-key", "abc"), ("authorization", "Bearer abc")],
    ])
    func `both forms are the same key`(fields: [(String, String)]) {
        #expect(Credential(HTTPHeaders(fields)) == abc)
    }

    @Test(arguments: [
        [("x-api-key", "abc"), ("authorization", "Bearer abd")], [("x-api-key", "abc"), ("x-api-key", "abd")],
        [("authorization", "Basic abc")], [("authorization", "abc")], [("authorization", "Bearer ")],
        [("authorization", "Bearer a b")], [("x-api-key", "")], [("x-api-key", "ä")],
        [("x-api-key", String(repeating: "k", count: 513))],
    ])
    func `two keys, or what is no key, is nobody's`(fields: [(String, String)]) {
        #expect(Credential(HTTPHeaders(fields)) == .malformed)
    }

    @Test func `no key is missing`() { #expect(Credential(["accept": "x"]) == .missing) }

    @Test func `keys that share a long beginning stay apart`() {
        let common = String(repeating: "k", count: 200)
        #expect(Credential(["x-api-key": common + "1"]) != Credential(["x-api-key": common + "2"]))
    }
}
