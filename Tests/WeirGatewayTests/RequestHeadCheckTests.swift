import NIOHTTP1
import Testing

@testable import WeirGateway

@Suite struct RequestHeadCheckTests {
    private func problem(
        _ uri: String, _ headers: HTTPHeaders = [:], method: HTTPMethod = .POST, version: HTTPVersion = .http1_1
    ) -> HeadProblem? {
        RequestHeadCheck.problem(
            of: HTTPRequestHead(version: version, method: method, uri: uri, headers: headers), targetBytes: 64)
    }

    @Test(arguments: ["/v1/messages", "/v1/messages?beta=true", "/p/v1/messages", "/%2e%2e/x"])
    func `a plain path passes`(uri: String) { #expect(problem(uri) == nil) }

    @Test(arguments: [
        "http://other/v1/messages", "//other/v1/messages", "*", "other:443", "", "/a b", "/a\u{0}", "/a\r\nx: y", "/ä",
        "/a#b", "/\\other", "/" + String(repeating: "a", count: 64),
    ])
    func `a target that means something else elsewhere is refused`(uri: String) {
        guard case .target = problem(uri) else {
            Issue.record("\(uri) passed")
            return
        }
    }

    @Test(arguments: [
        [("content-length", "5"), ("transfer-encoding", "chunked")],
        [("Content-Length", "5"), ("content-length", "5")],
        [("content-length", "+5")], [("content-length", "5, 5")], [("content-length", "0x5")], [("content-length", "")],
        [("content-length", "9999999999999999")],
        [("transfer-encoding", "gzip, chunked")], [("transfer-encoding", "xchunked")],
        [("transfer-encoding", "chunked"), ("Transfer-Encoding", "chunked")],
    ])
    func `a length said in more than one way, or in an odd one, is refused`(fields: [(String, String)]) {
        guard case .framing = problem("/", HTTPHeaders(fields)) else {
            Issue.record("\(fields) passed")
            return
        }
    }

    @Test func `tunnels, other versions and chunked HTTP 1.0 are refused`() {
        #expect(problem("/", method: .CONNECT) != nil)
        #expect(problem("/", ["upgrade": "h2c"]) != nil)
        #expect(problem("/", version: .http2) != nil)
        #expect(problem("/", ["transfer-encoding": "chunked"], version: .http1_0) != nil)
        #expect(problem("/", ["content-length": "3"], version: .http1_0) == nil)
        #expect(problem("/", ["transfer-encoding": "Chunked"]) == nil)
    }
}
