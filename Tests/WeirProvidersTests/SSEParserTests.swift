import Testing
import WeirProviders

@Suite struct SSEParserTests {
    struct Event: Equatable, Sendable {
        var name: String
        var data: String
        init(_ name: String, _ data: String) {
            self.name = name
            self.data = data
        }
    }

    private func events(_ pieces: [[UInt8]]) -> [Event] {
        var parser = SSEParser()
        var events: [Event] = []
        for piece in pieces {
            piece.withUnsafeBytes { bytes in
                var position = 0
                while parser.next(bytes, from: &position) {
                    events.append(
                        Event(
                            String(decoding: parser.name, as: UTF8.self), String(decoding: parser.data, as: UTF8.self)))
                }
            }
        }
        return events
    }

    private static let streams: [(text: String, events: [Event])] = [
        ("data: a\n\n", [Event("", "a")]),
        ("event: x\ndata: a\n\ndata: b\n\n", [Event("x", "a"), Event("", "b")]),
        ("event: x\r\ndata: a\r\n\r\ndata: b\r\n\r\n", [Event("x", "a"), Event("", "b")]),
        ("event: x\rdata: a\r\rdata: b\r\r", [Event("x", "a"), Event("", "b")]),
        ("data: a\r\n\ndata: b\n\r\n", [Event("", "a"), Event("", "b")]),
        ("\u{FEFF}data: a\n\n\u{FEFF}data: b\n\n", [Event("", "a")]),
        (": comment\n\n:\ndata: a\n: c\ndata: b\n\n", [Event("", "a\nb")]),
        ("data:a\ndata:  b\ndata\ndata:\n\n", [Event("", "a\n b\n\n")]),
        ("id: 1\nretry: 5\ndatas: x\ndat: y\nevents: z\ndata: a\n\n", [Event("", "a")]),
        ("event: lost\n\ndata: a\n\n", [Event("", "a")]),
        ("data\n\n", [Event("", "")]),
        ("data: a\n", []), ("data: a", []), ("", []), ("\n\n\r\n\r", []),
        ("data: {\"x\":\"\u{e9}\u{1F600}\"}\n\n", [Event("", "{\"x\":\"\u{e9}\u{1F600}\"}")]),
    ]

    @Test(arguments: streams)
    func `events are the same at every split`(text: String, wanted: [Event]) {
        let bytes = Array(text.utf8)
        #expect(events([bytes]) == wanted)
        #expect(events(bytes.map { [$0] }) == wanted)
        for first in 0...bytes.count {
            for second in first...bytes.count {
                let pieces = [Array(bytes[..<first]), Array(bytes[first..<second]), Array(bytes[second...])]
                #expect(events(pieces) == wanted)
            }
        }
    }

    @Test func `a giant line costs no memory, and what follows is read`() {
        var parser = SSEParser()
        var truncated = 0
        var data: [[UInt8]] = []
        func feed(_ piece: [UInt8]) {
            piece.withUnsafeBytes { bytes in
                var position = 0
                while parser.next(bytes, from: &position) {
                    if parser.isTruncated { truncated += 1 } else { data.append(parser.data) }
                }
            }
            #expect(parser.data.count <= SSEParser.limit)
        }
        feed(Array("data: ".utf8))
        for _ in 0..<2_000 { feed([UInt8](repeating: 0x78, count: 10_000)) }
        feed(Array("\n\ndata: a\n\n".utf8))
        // One piece, and many lines of one event.
        feed(
            Array("data: ".utf8) + [UInt8](repeating: 0x78, count: SSEParser.limit + 10) + Array("\n\ndata: b\n\n".utf8)
        )
        for _ in 0..<300 { feed(Array("data: ".utf8) + [UInt8](repeating: 0x78, count: 10_000) + [0x0A]) }
        feed(Array("\ndata: c\n\n".utf8))
        #expect(truncated == 3)
        #expect(data == ["a", "b", "c"].map { Array($0.utf8) })
    }

    @Test func `garbage never traps, and any split gives the same`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        let alphabet = Array("data: event\r\n\r\n\n:\u{FEFF}".utf8)
        for _ in 0..<5_000 {
            let bytes = (0..<Int.random(in: 0..<60, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? 0
            }
            #expect(events([bytes]) == events(bytes.pieces(using: &random)), "seed \(seed)")
        }
    }
}
