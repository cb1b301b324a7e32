import Tracing

/// Makes spans for OpenTelemetry. Without one nothing is traced, and nothing is allocated.
package struct OTLPTracer: Tracer {
    package typealias Span = OTLPSpan

    private let exporter: SpanExporter

    package init(_ exporter: SpanExporter) { self.exporter = exporter }

    /// The place of a span's parent, in a context.
    private enum PlaceKey: ServiceContextKey {
        typealias Value = TraceParent
        static let nameOverride: String? = "traceparent"
    }

    /// Where the caller stands; nil: it did not say.
    package static func place(in context: ServiceContext) -> TraceParent? { context[PlaceKey.self] }

    package func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
    ) -> OTLPSpan {
        let outer = context()
        let parent = outer[PlaceKey.self]
        let place = TraceParent(
            trace: parent?.trace ?? TraceParent.random(bytes: 16), span: TraceParent.random(bytes: 8), isSampled: true)
        var inner = outer
        inner[PlaceKey.self] = place
        return OTLPSpan(
            name: operationName, place: place, parent: parent?.span, context: inner, kind: kind,
            startNs: instant().nanosecondsSinceEpoch, exporter: exporter)
    }

    package func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {
        context[PlaceKey.self] = extractor.extract(key: TraceParent.header, from: carrier).flatMap(TraceParent.init)
    }

    package func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {
        guard let place = context[PlaceKey.self] else { return }
        injector.inject(place.text, forKey: TraceParent.header, into: &carrier)
    }

    package func forceFlush() { exporter.wake() }
}
