import Foundation
import Logging
import Synchronization
import Testing

@testable import WeirTelemetry

@Suite struct JSONLogHandlerTests {
    private final class Lines: Sendable {
        let text = Mutex("")
        func add(_ bytes: [UInt8]) { text.withLock { $0 += String(decoding: bytes, as: UTF8.self) } }
    }

    @Test func `a line is one JSON object, whatever stands in it`() throws {
        let lines = Lines()
        var logger = Logger(label: "weir.test") { label in
            JSONLogHandler(label: label, level: .debug, sink: lines.add, nowMs: { 1_795_260_600_123 })
        }
        logger[metadataKey: "node"] = "n1"
        logger.debug("said \"so\"\nand\u{0}", metadata: ["list": ["a", ["b": "c\u{2028}"]], "node": "n2"])
        logger.trace("too quiet")
        let text = lines.text.withLock { $0 }
        #expect(text.filter { $0 == "\n" }.count == 1 && text.hasSuffix("\n"))
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["at"] as? String == "2026-11-21T11:30:00.123Z" && object["level"] as? String == "debug")
        #expect(object["logger"] as? String == "weir.test" && object["message"] as? String == "said \"so\"\nand\u{0}")
        let data = try #require(object["data"] as? [String: Any])
        #expect(data["node"] as? String == "n2" && (data["list"] as? [Any])?.count == 2)
    }
}
