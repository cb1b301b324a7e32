import NIOCore
import NIOHTTP1
import Testing

@testable import WeirGateway

@Suite struct AnswerWriterTests {
    /// What the client gets of an answer with these fields, written in these pieces.
    static func written(
        _ version: HTTPVersion = .http1_1, _ status: HTTPResponseStatus = .ok, _ headers: HTTPHeaders = [:],
        _ pieces: [String] = []
    ) -> String {
        var writer = AnswerWriter()
        var all = ByteBuffer()
        var pending = ByteBuffer()
        writer.writeHead(version, status, headers.map { Field(name: $0.name, value: $0.value) }, to: &pending)
        for piece in pieces {
            guard let large = writer.writeBody(ByteBuffer(string: piece), to: &pending) else { continue }
            all.writeImmutableBuffer(pending)
            all.writeImmutableBuffer(large)
            pending = ByteBuffer()
        }
        writer.writeEnd(to: &pending)
        all.writeImmutableBuffer(pending)
        return String(buffer: all)
    }

    @Test func `an answer with a length is written as it is`() {
        #expect(
            Self.written(.http1_1, .ok, ["Content-Length": "5", "x-a": "b"], ["he", "llo"])
                == "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx-a: b\r\n\r\nhello")
    }

    @Test func `an answer without a length goes in chunks, and an empty piece does not end it`() {
        #expect(
            Self.written(.http1_1, .ok, [:], ["hello", "", "0123456789abcdef!"])
                == "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
                + "5\r\nhello\r\n11\r\n0123456789abcdef!\r\n0\r\n\r\n")
    }

    @Test func `HTTP 1.0 has no chunks, its answer ends with the connection`() {
        #expect(Self.written(.http1_0, .ok, [:], ["a", "b"]) == "HTTP/1.0 200 OK\r\n\r\nab")
    }

    @Test(arguments: [HTTPResponseStatus.noContent, .notModified])
    func `an answer that has no body gets none, whatever it says`(status: HTTPResponseStatus) {
        let text = Self.written(.http1_1, status, ["content-length": "3", "x-a": "b"], ["abc"])
        #expect(text.hasSuffix("\r\nx-a: b\r\n\r\n"))
        #expect(!text.contains("content-length") && !text.contains("chunked"))
    }

    @Test func `a large piece is passed on between what was said before and after it`() {
        let large = String(repeating: "x", count: 100_000)
        #expect(
            Self.written(.http1_1, .ok, ["content-length": "100002"], ["a", large, "b"])
                == "HTTP/1.1 200 OK\r\ncontent-length: 100002\r\n\r\na\(large)b")
    }
}
