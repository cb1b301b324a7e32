import Testing

@testable import WeirCommands

@Suite struct AnswerReaderTests {
    private static let plain = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    private static let empty = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    /// Two events; a chunk ends within the second.
    private static let stream =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc\r\ndata: 1\n\ndat\r\n6\r\na: 2\n\n\r\n0\r\n\r\n"

    /// Reads `text` in pieces of `size` bytes.
    private func read(_ text: String, pieces size: Int) throws -> (answers: Int, events: Int) {
        var reader = AnswerReader()
        var answers = 0
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            answers += try bytes[start..<min(start + size, bytes.count)].withUnsafeBytes { try reader.read($0) }
        }
        return (answers, reader.events)
    }

    @Test(arguments: [1, 2, 3, 7, 1000])
    func `answers are told apart however their bytes are cut`(size: Int) throws {
        let found = try read(Self.plain + Self.empty + Self.stream + Self.plain, pieces: size)
        #expect(found.answers == 4)
        #expect(found.events == 2)
    }

    @Test func `an answer without its last byte has not ended`() throws {
        for text in [Self.plain, Self.empty, Self.stream] {
            #expect(try read(String(text.dropLast()), pieces: 4).answers == 0)
        }
    }

    @Test func `an answer other than 200 is counted as a failure`() throws {
        var reader = AnswerReader()
        let bytes = Array("HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n\(Self.plain)".utf8)
        #expect(try bytes.withUnsafeBytes { try reader.read($0) } == 2)
        #expect(reader.failures == 1)
        #expect(reader.lastFailure.contains("429"))
    }
}
