import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Testing
import WeirCore
import WeirSimulator
import WeirTestSupport

@testable import WeirGateway

@Suite struct SmugglingTests {
    private static let body =
        #"{"model":"claude-sonnet-4-5-20250929","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#
    private static let hidden =
        "POST /v1/messages HTTP/1.1\r\nHost: h\r\nx-api-key: \(TestBed.key)\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        + body

    /// A head with the given framing lines, then `body`.
    private static func post(_ framing: String, _ body: String, target: String = "/v1/messages") -> String {
        "POST \(target) HTTP/1.1\r\nHost: h\r\nx-api-key: \(TestBed.key)\r\n\(framing)\r\n" + body
    }

    private static func chunked(_ text: String) -> String {
        String(text.utf8.count, radix: 16) + "\r\n" + text + "\r\n0\r\n\r\n"
    }

    /// Name, what is sent, and how many calls may reach the provider.
    static let corpus: [(String, String, ClosedRange<Int>)] = [
        ("plain", post("Content-Length: \(body.utf8.count)\r\n", body), 1...1),
        ("chunked", post("Transfer-Encoding: chunked\r\n", chunked(body)), 1...1),
        ("CL.TE", post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + hidden), 0...0),
        ("TE.CL", post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", chunked(body)), 0...0),
        ("two lengths", post("Content-Length: \(body.utf8.count)\r\nContent-Length: 0\r\n", body), 0...0),
        (
            "same length twice",
            post("Content-Length: \(body.utf8.count)\r\nContent-Length: \(body.utf8.count)\r\n", body), 0...0
        ),
        ("+5", post("Content-Length: +\(body.utf8.count)\r\n", body), 0...0),
        ("-1", post("Content-Length: -1\r\n", body), 0...0),
        ("hex", post("Content-Length: 0x10\r\n", body), 0...0),
        ("space before colon", post("Content-Length : \(body.utf8.count)\r\n", body), 0...0),
        ("obs-fold", post("Content-Length: \(body.utf8.count)\r\nx-a: b\r\n c\r\n", body), 0...0),
        (
            "bare LF",
            "POST /v1/messages HTTP/1.1\nHost: h\nx-api-key: \(TestBed.key)\nContent-Length: \(body.utf8.count)\n\n"
                + body, 0...1
        ),
        ("bare CR", post("Content-Length: \(body.utf8.count)\rx-a: b\r\n", body), 0...0),
        ("TE in disguise", post("Transfer-Encoding: xchunked\r\n", chunked(body)), 0...0),
        ("TE twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", chunked(body)), 0...0),
        ("TE with tab", post("Transfer-Encoding:\u{0B}chunked\r\n", chunked(body)), 0...0),
        ("bad chunk size", post("Transfer-Encoding: chunked\r\n", "zz\r\n" + body + "\r\n0\r\n\r\n"), 0...0),
        ("chunk size overflow", post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n" + body), 0...0),
        ("chunk longer than said", post("Transfer-Encoding: chunked\r\n", "2\r\n" + body + "\r\n0\r\n\r\n"), 0...0),
        ("NUL in a value", post("x-a: a\u{0}b\r\nContent-Length: \(body.utf8.count)\r\n", body), 0...0),
        (
            "absolute form", post("Content-Length: \(body.utf8.count)\r\n", body, target: "http://other/v1/messages"),
            0...0
        ),
        ("two slashes", post("Content-Length: \(body.utf8.count)\r\n", body, target: "//other/v1/messages"), 0...0),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0...0),
        (
            "HTTP/1.2", post("Content-Length: \(body.utf8.count)\r\n", body).replacing("HTTP/1.1", with: "HTTP/1.2"),
            0...0
        ),
        ("CONNECT", "CONNECT other:443 HTTP/1.1\r\nHost: other\r\n\r\n", 0...0),
        (
            "upgrade",
            post("Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: \(body.utf8.count)\r\n", body), 0...0
        ),
        ("garbage", "\u{1}\u{2}\u{3}\r\n\r\n", 0...0),
    ]

    @Test(arguments: corpus)
    func `one request reaches the provider, or none`(name: String, sent: String, calls: ClosedRange<Int>) async throws {
        try await withGateway(adjust: { $0.deadlines.header = .seconds(3) }) { bed in
            let connection = try await RawConnection(port: bed.port)
            try await connection.send(sent)
            try await eventually("an answer or the end") {
                connection.isClosed || connection.text.contains("\r\n\r\n")
            }
            if calls == 0...0 {
                // Nothing more may be taken from a connection whose request was refused.
                try await eventually("the end of the connection") { connection.isClosed }
                #expect(!connection.text.contains("HTTP/1.1 200"))
                #expect(connection.text.components(of: "HTTP/1.1 ") <= 1)
            }
            #expect(calls.contains(bed.simulator.log().count), "\(name): \(connection.text)")
            #expect(bed.admission.unbalanced == [])
            try await connection.close()
        }
    }

    @Test func `two requests sent at once are answered in order`() async throws {
        try await withGateway { bed in
            let connection = try await RawConnection(port: bed.port)
            let request = Self.post("x-simulate: output=1\r\nContent-Length: \(Self.body.utf8.count)\r\n", Self.body)
            try await connection.send(request + request.replacing("output=1", with: "status=418"))
            try await eventually { connection.text.contains("HTTP/1.1 418") }
            #expect(connection.text.hasPrefix("HTTP/1.1 200"))
            #expect(bed.simulator.log().count == 2)
            try await connection.close()
        }
    }

    @Test func `thousands of requests in one write are answered without a deep stack`() async throws {
        try await withGateway { bed in
            let connection = try await RawConnection(port: bed.port)
            let count = 3000
            try await connection.send(String(repeating: "GET /nowhere HTTP/1.1\r\n\r\n", count: count))
            try await eventually(within: .seconds(30)) { connection.text.components(of: "HTTP/1.1 404") == count }
            let refused = try await RawConnection(port: bed.port)
            try await refused.send(String(repeating: "GET // HTTP/1.1\r\n\r\n", count: count))
            try await eventually { refused.isClosed }
            #expect(refused.text.components(of: "HTTP/1.1 400") == 1)
            try await connection.close()
        }
    }

    @Test func `an HTTP 1.0 client gets an answer without chunks, ended by the connection's end`() async throws {
        try await withGateway { bed in
            let connection = try await RawConnection(port: bed.port)
            let body = Self.body.replacing("\"messages\"", with: "\"stream\":true,\"messages\"")
            let request = Self.post("Content-Length: \(body.utf8.count)\r\n", body)
            try await connection.send(request.replacing("HTTP/1.1", with: "HTTP/1.0"))
            try await eventually { connection.isClosed }
            #expect(connection.text.hasPrefix("HTTP/1.0 200"))
            #expect(!connection.text.contains("chunked"))
            #expect(connection.text.contains("\r\n\r\nevent: message_start"))
            #expect(bed.admission.now.settled.first?.outcome == .completed)
        }
    }

    @Test func `a flood of header fields is answered once and leaves the node alive`() async throws {
        try await withGateway { bed in
            let connection = try await RawConnection(port: bed.port)
            let fields = String(repeating: "a: b\r\n", count: 500_000)
            // The node hangs up in the middle of it.
            _ = try? await connection.send("GET / HTTP/1.1\r\n" + fields + "\r\n")
            try await eventually { connection.isClosed }
            let alive = try await bed.send(bed.request())
            #expect(alive.status == .ok)
        }
    }

    @Test func `a client that asks is told to go on, once it is known`() async throws {
        try await withGateway { bed in
            let connection = try await RawConnection(port: bed.port)
            let head = "Expect: 100-continue\r\nContent-Length: \(Self.body.utf8.count)\r\n"
            try await connection.send(Self.post(head, ""))
            try await eventually { connection.text == "HTTP/1.1 100 Continue\r\n\r\n" }
            try await connection.send(Self.body)
            try await eventually { connection.text.contains("HTTP/1.1 200") }
            try await connection.close()
            let stranger = try await RawConnection(port: bed.port)
            try await stranger.send(Self.post(head, "").replacing(TestBed.key, with: "nobody"))
            try await eventually { stranger.text.contains("\r\n\r\n") }
            #expect(stranger.text.hasPrefix("HTTP/1.1 401"))
            try await stranger.close()
        }
    }

    @Test func `slow heads, slow bodies and idle connections end`() async throws {
        let adjust: (inout GatewayConfiguration) -> Void = {
            $0.deadlines.header = .seconds(1)
            $0.deadlines.bodyProgress = .milliseconds(50)
            $0.deadlines.idleConnection = .milliseconds(50)
        }
        try await withGateway(adjust: adjust) { bed in
            let head = try await RawConnection(port: bed.port)
            try await head.send("POST /v1/mess")
            let body = try await RawConnection(port: bed.port)
            try await body.send(Self.post("Content-Length: \(Self.body.utf8.count)\r\n", "{"))
            let idle = try await RawConnection(port: bed.port)
            try await idle.send(Self.hidden)
            try await eventually { head.isClosed && idle.isClosed && body.text.hasPrefix("HTTP/1.1 400") }
            #expect(head.text.isEmpty)
            #expect(idle.text.hasPrefix("HTTP/1.1 200"))
            #expect(bed.simulator.log().count == 1)
            try await body.close()
        }
    }

    @Test func `F-G6: bodies beyond what the node holds at once are refused with 503, and room comes back`()
        async throws
    {
        let adjust: (inout GatewayConfiguration) -> Void = {
            $0.limits.bodyBytes = 1000
            $0.limits.bodyBytesInAll = 1000
        }
        try await withGateway(adjust: adjust) { bed in
            // Two event loops with room for 1000 bytes each: of three halves that wait, one is too many.
            let half = String(repeating: " ", count: 600)
            var connections: [RawConnection] = []
            for _ in 0..<3 {
                let connection = try await RawConnection(port: bed.port)
                try await connection.send(Self.post("Content-Length: 900\r\n", half))
                connections.append(connection)
            }
            try await eventually { connections.contains { $0.text.hasPrefix("HTTP/1.1 503") } }
            for connection in connections { try await connection.close() }
            for _ in 0..<6 {
                try await eventually { try await bed.send(bed.request()).status == .ok }
            }
            #expect(bed.admission.unbalanced == [])
        }
    }

    @Test func `F-G6: connections beyond the cap are closed, and freed ones may be taken again`() async throws {
        try await withGateway(adjust: { $0.limits.connectionsPerAddress = 2 }) { bed in
            let first = try await RawConnection(port: bed.port)
            let second = try await RawConnection(port: bed.port)
            try await first.send(Self.hidden)
            try await second.send(Self.hidden)
            try await eventually { first.text.contains("200 OK") && second.text.contains("200 OK") }
            let third = try await RawConnection(port: bed.port)
            try await eventually { third.isClosed }
            try await first.close()
            try await eventually {
                let next = try await RawConnection(port: bed.port)
                _ = try? await next.send(Self.hidden)
                try await eventually { next.isClosed || next.text.contains("200 OK") }
                let isServed = next.text.contains("200 OK")
                try await next.close()
                return isServed
            }
            try await second.close()
        }
    }
}

extension String {
    fileprivate func components(of part: String) -> Int {
        split(separator: part, omittingEmptySubsequences: false).count - 1
    }
}
