import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing
import WeirCore
import WeirTestSupport

@testable import WeirGateway

@Suite struct ProviderCodecTests {
    /// What the caller is told, body bytes joined; and how many parts the body came in.
    private final class Told: UpstreamReceiver {
        var text = ""
        var body = ""
        var parts = 0
        /// Bytes of bodies that the parser has seen on the connection.
        var parsed = 0

        func upstreamSent() {}
        func upstreamHead(_ head: HTTPResponseHead) { text += "\(head.status.code) " }
        func upstreamBody(_ bytes: ByteBuffer) {
            parts += 1
            body += String(buffer: bytes)
        }
        func upstreamReadComplete() -> Bool { true }
        func upstreamEnded() { text += "end" }
        func upstreamFailed(_ error: any Error) { text += "failed" }
    }

    /// What becomes of calls that are answered so, each answer in these pieces, on one connection.
    private static func told(_ answers: [[String]], byParserAlone: Bool = false) throws -> [Told] {
        let base = try #require(ProviderBase("http://127.0.0.1:1"))
        let channel = EmbeddedChannel()
        let codec = ProviderCodec(base: base)
        let connection = ProviderConnection(codec: codec) { _ in }
        if byParserAlone { codec.connection = nil }
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(codec)
        try pipeline.addHandler(ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes)))
        try pipeline.addHandler(connection)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        let all = answers.map { pieces in
            let told = Told()
            let request = UpstreamRequest(base: base, target: "/", method: .POST, fields: [], body: nil)
            connection.begin(ProviderExchange(request, receiver: told))
            for piece in pieces where channel.isActive { _ = try? channel.writeInbound(ByteBuffer(string: piece)) }
            told.parsed = connection.bodyBytesParsed
            return told
        }
        _ = try? channel.finish()
        return all
    }

    private static let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"

    @Test func `whole chunks come as they are, one part each`() throws {
        let events = ["data: 1\n\n", "data: 2\n\n", "data: \r\n0\r\n\r\n"]
        let chunks = events.map { String($0.utf8.count, radix: 16) + "\r\n\($0)\r\n" }
        for (pieces, parsed) in [
            ([Self.head] + chunks + ["0\r\n\r\n"], 0),
            ([Self.head + chunks[0], chunks[1] + chunks[2] + "0\r\n\r\n"], events[0].utf8.count),
        ] {
            // On a connection that has had an answer, too.
            for (number, told) in try Self.told([pieces, pieces]).enumerated() {
                #expect(told.text == "200 end" && told.body == events.joined() && told.parts == 3)
                #expect(told.parsed == parsed * (number + 1))
            }
        }
    }

    @Test func `however an answer is cut, it is told as the parser alone would tell it`() throws {
        var random = SeededGenerator()
        let seed = random.seed
        for _ in 0..<400 {
            let answer = Self.answer(using: &random)
            let cut = Self.pieces(of: answer, using: &random)
            let wanted = try Self.told([cut, cut], byParserAlone: true)
            for (told, wanted) in zip(try Self.told([cut, cut]), wanted) {
                #expect([told.text, told.body] == [wanted.text, wanted.body], "seed \(seed): \(cut)")
            }
        }
    }

    /// One Unicode scalar is one byte of it, and CR LF are two. Sometimes with something that is not as it should be.
    private static func answer(using random: inout SeededGenerator) -> [Unicode.Scalar] {
        var text = Bool.random(using: &random) ? "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" : ""
        text += head
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let count = Int.random(in: 1...20, using: &random)
            var size = String(count, radix: 16, uppercase: Bool.random(using: &random))
            size = String(repeating: "0", count: Int.random(in: 0...8, using: &random) / 3) + size
            if Int.random(in: 0..<8, using: &random) == 0 { size += ";a=b" }
            text += size + "\r\n"
            for _ in 0..<count { text += String("ab\r\n05".unicodeScalars.randomElement(using: &random) ?? "a") }
            text += "\r\n"
        }
        text += Bool.random(using: &random) ? "0\r\n\r\n" : "0\r\nx-trailer: y\r\n\r\n"
        var scalars = Array(text.unicodeScalars)
        if Int.random(in: 0..<3, using: &random) == 0 {
            let place = Int.random(in: head.unicodeScalars.count..<scalars.count, using: &random)
            scalars[place] = "g;\r\n 0\t".unicodeScalars.randomElement(using: &random) ?? "g"
        }
        return scalars
    }

    private static func pieces(of answer: [Unicode.Scalar], using random: inout SeededGenerator) -> [String] {
        var pieces: [String] = []
        var piece = String.UnicodeScalarView()
        for (index, scalar) in answer.enumerated() {
            piece.append(scalar)
            // Half of the cuts are where a line ends, so that many chunks come whole.
            let isLineEnd = scalar == "\n"
            guard index == answer.count - 1 || Int.random(in: 0..<(isLineEnd ? 2 : 40), using: &random) == 0 else {
                continue
            }
            pieces.append(String(piece))
            piece = String.UnicodeScalarView()
        }
        return pieces
    }
}
