import Foundation
import NIOHTTP1
import Testing
import WeirTestSupport

#if canImport(Glibc)
    import Glibc
#endif

/// Raw bytes, as a hostile client sends them.
@Suite struct ListenerTests {
    @Test func `headers without end and broken requests cost their sender the connection, and nobody else anything`()
        async throws
    {
        try await withAdmin { admin in
            let port = try #require(UInt16(admin.url.split(separator: ":").last ?? ""))
            let head = "GET /admin/v1/keys HTTP/1.1\r\nhost: localhost\r\n"
            let many = (0..<5000).map { "x-\($0): y\r\n" }.joined()
            for request in [
                head + many + "\r\n", head + "x: " + String(repeating: "y", count: 100_000) + "\r\n\r\n",
                "GET /\(String(repeating: "a", count: 200_000)) HTTP/1.1\r\nhost: localhost\r\n\r\n",
                "GET / HTTP/1.1\r\n\r\n", "GET http:// HTTP/1.1\r\nhost: localhost\r\n\r\n",
                "GET * HTTP/1.1\r\nhost: x\r\n\r\n",
                "GET ?by=%zz&&=&a HTTP/1.1\r\nhost: localhost\r\n\r\n",
                "GET /readyz?%=%&=%2 HTTP/1.1\r\nhost: localhost\r\n\r\n",
                "POST /admin/v1/keys HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
                "\u{0}\u{1}\u{2}\r\n\r\n", "GET /healthz HTTP/1.1\r\nhost: a\r\nhost: localhost\r\n\r\n",
                "GET //// HTTP/1.1\r\nhost: localhost\r\n\r\n",
                "GET /admin/v1/limited/%/% HTTP/1.1\r\nhost: localhost\r\n\r\n",
            ] {
                let answer = try exchange(request, port: port)
                #expect(
                    !answer.hasPrefix("HTTP/1.1 200") || request.contains("/healthz") || request.contains("/readyz"),
                    "\(request.prefix(80))")
                #expect(!answer.contains("\"keys\":"))
            }
            #expect(try await admin.send(.GET, "/admin/v1/keys").status == 200)
        }
    }

    /// Sends the bytes and reads until the server closes or is silent for a moment.
    private func exchange(_ request: String, port: UInt16) throws -> String {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var timeout = timeval(tv_sec: 0, tv_usec: 300_000)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw AdminFixture.Problem(text: "the listener is gone: errno \(errno)") }
        let bytes = Array(request.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { break }
            sent += count
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(socket, &buffer, buffer.count, 0)
            if count <= 0 { break }
            answer += buffer[..<count]
        }
        return String(decoding: answer, as: UTF8.self)
    }
}
