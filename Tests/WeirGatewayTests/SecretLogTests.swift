import AsyncHTTPClient
import Logging
import NIOHTTP1
import Synchronization
import Testing
import WeirCore
import WeirSimulator

@testable import WeirGateway

/// Everything that was logged, with its metadata.
private final class Lines: Sendable {
    private let text = Mutex("")

    func add(_ line: String) { text.withLock { $0 += line + "\n" } }
    var all: String { text.withLock { $0 } }

    var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(lines: self) }
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let lines: Lines
        var logLevel = Logger.Level.trace
        var metadata = Logger.Metadata()

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { lines.add("\(event.message) \(event.metadata ?? [:]) \(metadata)") }
    }
}

@Suite struct SecretLogTests {
    @Test func `no key is logged, in whatever form it came and however the call ended`() async throws {
        let lines = Lines()
        try await withGateway(logger: lines.logger) { bed in
            let paths = [
                "/v1/messages", "/v1/messages/batches", "/v1beta/models/gemini-2.5-flash:generateContent",
                "/v1beta/models/gemini-2.5-flash:predict", "/v1/nothing",
            ]
            for path in paths {
                for simulate in ["output=3", "status=500", "reset-after=0"] {
                    var request = try bed.request(path + "?key=" + TestBed.key, simulate: simulate)
                    if path.contains("gemini") { request.body = .string(#"{"contents":[{}]}"#) }
                    _ = try await bed.send(request)
                }
            }
            #expect(!bed.simulator.log().isEmpty)
        }
        #expect(lines.all.contains("outcome"), "the gateway logs its calls at this level")
        #expect(!lines.all.contains("canary"))
    }
}
