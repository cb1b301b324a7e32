import Foundation
import Logging
import WeirCore

/// Log lines as JSON objects: `{"at":"2026-11-21T10:48:00.123Z","level":"info","logger":"weir.gateway","message":"…",…}`, with
/// the metadata as further fields of the object under `data`. Each is one write, so that lines of threads do not mix.
package struct JSONLogHandler: LogHandler {
    /// Where lines go; each ends in a line feed.
    package typealias Sink = @Sendable ([UInt8]) -> Void

    package var logLevel: Logger.Level
    package var metadata = Logger.Metadata()
    private let label: String
    private let sink: Sink
    private let nowMs: @Sendable () -> Int

    package init(
        label: String, level: Logger.Level, sink: @escaping Sink = standardError,
        nowMs: @escaping @Sendable () -> Int = { Int(Date().timeIntervalSince1970 * 1000) }
    ) {
        self.label = label
        self.sink = sink
        self.nowMs = nowMs
        logLevel = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("at", Self.timestamp(ms: nowMs()))
        writer.member("level", event.level.rawValue)
        writer.member("logger", label)
        writer.member("message", "\(event.message)")
        let data = metadata.merging(event.metadata ?? [:]) { $1 }
        if !data.isEmpty {
            writer.key("data")
            Self.write(.dictionary(data), to: &writer)
        }
        if let error = event.error { writer.member("error", "\(error)") }
        writer.endObject()
        sink(Array(writer.bytes) + [0x0a])
    }

    private static func write(_ value: Logger.Metadata.Value, to writer: inout JSONWriter) {
        switch value {
        case .string(let text): writer.string(text)
        case .stringConvertible(let value): writer.string("\(value)")
        case .array(let values):
            writer.beginArray()
            for value in values { write(value, to: &writer) }
            writer.endArray()
        case .dictionary(let fields):
            writer.beginObject()
            for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
                writer.key(text: name)
                write(value, to: &writer)
            }
            writer.endObject()
        }
    }

    /// RFC 3339 in UTC, with milliseconds.
    package static func timestamp(ms: Int) -> String {
        let day = UTCDay(containingMs: ms)
        let rest = ms - day.startMs
        func padded(_ number: Int, _ digits: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        let time = [rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60].map { padded($0, 2) }
        return "\(day.id)T\(time.joined(separator: ":")).\(padded(rest % 1000, 3))Z"
    }

    /// What cannot be written to stderr can be told to nobody.
    package static let standardError: Sink = { line in
        line.withUnsafeBytes { bytes in writeToStandardError(bytes) }
    }
}

/// The C library's `write`, which the handler's own hides from it.
private func writeToStandardError(_ bytes: UnsafeRawBufferPointer) {
    _ = write(STDERR_FILENO, bytes.baseAddress, bytes.count)
}
