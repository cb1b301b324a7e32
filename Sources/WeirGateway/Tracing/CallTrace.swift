import NIOHTTP1
import Tracing
import WeirTelemetry

/// The spans of one call: itself, and within it `admit`, `upstream` and `settle`. Only where calls are traced.
final class CallTrace {
    private let tracer: OTLPTracer
    private let call: OTLPSpan
    /// Whether the caller's trace goes on here; else one begins.
    private let isContinued: Bool
    private var upstream: OTLPSpan?

    /// Nil for a call whose maker says that it is not traced; then its `traceparent` is passed on as it came.
    init?(_ tracer: OTLPTracer, head: HTTPRequestHead, id: String) {
        var context = ServiceContext.topLevel
        tracer.extract(head.headers, into: &context, using: RequestHeaders())
        let place = OTLPTracer.place(in: context)
        if place?.isSampled == false { return nil }
        isContinued = place != nil
        self.tracer = tracer
        call = tracer.startSpan("call", context: context, ofKind: .server)
        call.attributes["weir.request_id"] = id
    }

    func begin(_ name: String, ofKind kind: SpanKind = .internal) -> OTLPSpan {
        tracer.startSpan(name, context: call.context, ofKind: kind)
    }

    /// - Parameter fields: of the request to the provider, which continues the trace below this span.
    func beginUpstream(telling fields: inout Fields) {
        let span = begin("upstream", ofKind: .client)
        // The state belongs to the trace of which it tells.
        if !isContinued { fields.remove(name: "tracestate") }
        tracer.inject(span.context, into: &fields, using: OutgoingFields())
        upstream = span
    }

    /// - Parameter status: what the provider answered; 0: nothing.
    func endUpstream(status: Int) {
        guard let upstream else { return }
        upstream.attributes["http.response.status_code"] = status
        if !(200..<400).contains(status) { upstream.setStatus(SpanStatus(code: .error)) }
        upstream.end()
        self.upstream = nil
    }

    func end(_ outcome: GatewayMetrics.Outcome, product: String?) {
        call.attributes["weir.outcome"] = outcome.description
        if let product { call.attributes["weir.product"] = product }
        call.end()
    }
}

extension OTLPSpan {
    /// Ends it now.
    func finish() { end() }
}

/// Header fields as the carrier of a trace. A field that comes twice says nothing.
private struct RequestHeaders: Extractor {
    func extract(key: String, from headers: HTTPHeaders) -> String? {
        let values = headers[key]
        return values.count == 1 ? values[0] : nil
    }
}

private struct OutgoingFields: Injector {
    func inject(_ value: String, forKey key: String, into fields: inout Fields) {
        fields.removeAll { $0.name.equalsIgnoringCase(key) }
        fields.add(name: key, value: value)
    }
}
