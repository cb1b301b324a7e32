import CoreMetrics
import Logging
import Synchronization
import Tracing
import WeirCore

/// Hands spans that have ended to a collector, in batches, in the background. What has no room, or cannot be sent, is dropped
/// and counted: no call ever waits for it.
package final class SpanExporter: Sendable {
    /// Sends one body, OTLP as JSON.
    package typealias Send = @Sendable ([UInt8]) async throws -> Void

    private let service: String
    private let send: Send
    private let mostWaiting: Int
    private let batch: Int
    private let interval: Duration
    private let logger: Logger
    private let exported: CoreMetrics.Counter
    private let dropped: CoreMetrics.Counter
    private let waiting = Mutex<[SpanRecord]>([])
    private let bell = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    package init(
        service: String, metrics: MetricsRegistry, logger: Logger, mostWaiting: Int = 4096, batch: Int = 512,
        interval: Duration = .seconds(1), send: @escaping Send
    ) {
        (self.service, self.send, self.mostWaiting, self.batch) = (service, send, mostWaiting, batch)
        self.interval = interval
        self.logger = logger
        exported = metrics.counter(MetricCatalogue.spans, ["exported"])
        dropped = metrics.counter(MetricCatalogue.spans, ["dropped"])
    }

    func add(_ span: SpanRecord) {
        let count = waiting.withLock { waiting in
            guard waiting.count < mostWaiting else { return -1 }
            waiting.append(span)
            return waiting.count
        }
        if count < 0 { dropped.increment() }
        if count == batch { wake() }
    }

    func wake() { bell.continuation.yield() }

    /// Sends until the task is cancelled, and then what is left, once.
    package func run() async {
        await withTaskGroup { group in
            group.addTask {
                while (try? await Task.sleep(for: self.interval)) != nil { self.wake() }
                self.bell.continuation.finish()
            }
            var isFailing = false
            for await _ in bell.stream { await flush(&isFailing) }
            // A cancelled task sends nothing any more; another one may.
            await Task { [self] in
                var isFailing = true
                await flush(&isFailing)
            }.value
        }
    }

    private func flush(_ isFailing: inout Bool) async {
        while true {
            let spans = waiting.withLock { waiting in
                let first = Array(waiting.prefix(batch))
                waiting.removeFirst(first.count)
                return first
            }
            guard !spans.isEmpty else { return }
            do {
                try await send(OTLPBody.json(spans, service: service))
                exported.increment(by: spans.count)
                if isFailing { logger.info("the collector takes spans again") }
                isFailing = false
            } catch {
                dropped.increment(by: spans.count)
                // One line for an outage, however long it is.
                if !isFailing { logger.warning("spans cannot be sent", metadata: ["error": "\(error)"]) }
                isFailing = true
            }
        }
    }
}

/// Spans as OTLP says them in JSON.
/// Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
enum OTLPBody {
    static func json(_ spans: [SpanRecord], service: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        list("resourceSpans", &writer) { writer in
            writer.key("resource")
            writer.beginObject()
            attributes([("service.name", service)], &writer)
            writer.endObject()
            list("scopeSpans", &writer) { writer in
                writer.key("scope")
                writer.beginObject()
                writer.member("name", "weir")
                writer.endObject()
                writer.key("spans")
                writer.beginArray()
                for span in spans { write(span, &writer) }
                writer.endArray()
            }
        }
        writer.endObject()
        return writer.bytes
    }

    private static func list(_ name: StaticString, _ writer: inout JSONWriter, _ body: (inout JSONWriter) -> Void) {
        writer.key(name)
        writer.beginArray()
        writer.beginObject()
        body(&writer)
        writer.endObject()
        writer.endArray()
    }

    private static func write(_ span: SpanRecord, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("traceId", span.place.trace)
        writer.member("spanId", span.place.span)
        writer.member("parentSpanId", ifPresent: span.parent)
        writer.member("name", span.name)
        writer.member("kind", kind(span.kind))
        // 64-bit numbers are text.
        writer.member("startTimeUnixNano", String(span.startNs))
        writer.member("endTimeUnixNano", String(span.endNs))
        attributes(span.attributes, &writer)
        writer.key("status")
        writer.beginObject()
        if span.hasFailed { writer.member("code", 2) }
        writer.endObject()
        writer.endObject()
    }

    private static func attributes(_ attributes: [(String, String)], _ writer: inout JSONWriter) {
        writer.key("attributes")
        writer.beginArray()
        for (name, value) in attributes.sorted(by: { $0.0 < $1.0 }) {
            writer.beginObject()
            writer.member("key", name)
            writer.key("value")
            writer.beginObject()
            writer.member("stringValue", value)
            writer.endObject()
            writer.endObject()
        }
        writer.endArray()
    }

    private static func kind(_ kind: SpanKind) -> Int {
        switch kind {
        case .internal: 1
        case .server: 2
        case .client: 3
        case .producer: 4
        case .consumer: 5
        }
    }
}
