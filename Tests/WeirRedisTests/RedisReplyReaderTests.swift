import NIOCore
import Testing
import WeirTestSupport

@testable import WeirRedis

@Suite struct RedisReplyReaderTests {
    static let replies: [(wire: String, value: RedisValue)] = [
        ("+OK\r\n", .status("OK")), ("+\r\n", .status("")), ("-ERR no\r\n", .error("ERR no")),
        (":0\r\n", .integer(0)), (":-12\r\n", .integer(-12)), (":9223372036854775807\r\n", .integer(.max)),
        (":-9223372036854775808\r\n", .integer(.min)),
        ("$-1\r\n", .null), ("*-1\r\n", .null), ("$0\r\n\r\n", .bulk(ByteBuffer())),
        ("$4\r\n\r\n+a\r\n", .bulk(ByteBuffer(string: "\r\n+a"))), ("*0\r\n", .array([])),
        (
            "*3\r\n:1\r\n*2\r\n$1\r\na\r\n*0\r\n-E x\r\n",
            .array([.integer(1), .array([.bulk(ByteBuffer(string: "a")), .array([])]), .error("E x")])
        ),
        ("*2\r\n*1\r\n*1\r\n:7\r\n$-1\r\n", .array([.array([.array([.integer(7)])]), .null])),
    ]

    @Test func `replies are the same however they are split`() throws {
        let wire = ByteBuffer(string: Self.replies.map(\.wire).joined())
        let expected = Self.replies.map(\.value)
        for size in 1...wire.readableBytes {
            #expect(try read(wire, inPiecesOf: size) == expected)
        }
        for cut in 0...wire.readableBytes {
            var reader = try RedisReplyReader()
            var rest = wire
            let head = rest.readSlice(length: cut) ?? ByteBuffer()
            var values = try feed(head, to: &reader)
            values += try feed(rest, to: &reader)
            #expect(values == expected, "cut at \(cut)")
        }
    }

    @Test func `a huge reply arrives whole`() throws {
        let text = String(repeating: "0123456789abcdef", count: 1 << 19)
        let wire = ByteBuffer(string: "$\(text.utf8.count)\r\n\(text)\r\n:1\r\n")
        let values = try read(wire, inPiecesOf: 65536)
        #expect(values == [.bulk(ByteBuffer(string: text)), .integer(1)])
        let many = ByteBuffer(string: "*100000\r\n" + String(repeating: ":5\r\n", count: 100_000))
        #expect(try read(many, inPiecesOf: 4096) == [.array(Array(repeating: .integer(5), count: 100_000))])
    }

    @Test(arguments: [
        "x", "HTTP/1.1 400 Bad Request\r\n", "$5x\r\n", ":1a\r\n", "*-2\r\n", "$-2\r\n", ":99999999999999999999\r\n",
        "%1\r\n+a\r\n:1\r\n", ">2\r\n", "*99999999999\r\n",
        String(repeating: "*1\r\n", count: 9) + ":1\r\n",
    ])
    func `bytes that are not RESP are a violation`(wire: String) throws {
        var reader = try RedisReplyReader()
        var error: RedisError?
        do throws(RedisError) { _ = try feed(ByteBuffer(string: wire), to: &reader) } catch let caught {
            error = caught
        }
        guard case .protocolViolation(let text)? = error else {
            Issue.record("no violation but \(String(describing: error))")
            return
        }
        #expect(!text.isEmpty)
    }

    @Test func `an announced length alone takes no memory`() throws {
        var reader = try RedisReplyReader()
        for _ in 0..<6 { #expect(try feed(ByteBuffer(string: "*2147483647\r\n"), to: &reader).isEmpty) }
        #expect(try feed(ByteBuffer(string: "$400000000\r\n"), to: &reader).isEmpty)
    }

    @Test func `random bytes are read or refused, and never more than that`() {
        var generator = SeededGenerator()
        let alphabet = Array("+-:$*0123456789\r\n\r\n\r\nabc%".utf8)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 1...40, using: &generator)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
            }
            let whole = outcome(bytes, inPiecesOf: bytes.count)
            #expect(outcome(bytes, inPiecesOf: 1) == whole, "\(bytes), seed \(generator.seed)")
        }
    }

    /// The values before the first fault, and whether there was one.
    private func outcome(_ bytes: [UInt8], inPiecesOf size: Int) -> [RedisValue?] {
        var values: [RedisValue?] = []
        do throws(RedisError) {
            var reader = try RedisReplyReader()
            var rest = ByteBuffer(bytes: bytes)
            while let piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
                try reader.feed(piece)
                while let value = try reader.next() { values.append(value) }
            }
        } catch {
            values.append(nil)
        }
        return values
    }

    private func read(_ wire: ByteBuffer, inPiecesOf size: Int) throws(RedisError) -> [RedisValue] {
        var reader = try RedisReplyReader()
        var rest = wire
        var values: [RedisValue] = []
        while let piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
            values += try feed(piece, to: &reader)
        }
        return values
    }

    private func feed(_ piece: ByteBuffer, to reader: inout RedisReplyReader) throws(RedisError) -> [RedisValue] {
        try reader.feed(piece)
        var values: [RedisValue] = []
        while let value = try reader.next() { values.append(value) }
        return values
    }
}
