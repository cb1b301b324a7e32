import Synchronization
import Tracing

/// A piece of a call's way that takes time. Told to the exporter when it ends, once.
package final class OTLPSpan: Tracing.Span {
    private struct State {
        var name: String
        var attributes = SpanAttributes()
        var status: SpanStatus?
        var hasEnded = false
    }

    package let context: ServiceContext
    /// Where it stands; its children are below it.
    package let place: TraceParent
    private let parent: String?
    private let kind: SpanKind
    private let startNs: UInt64
    private let exporter: SpanExporter
    private let state: Mutex<State>

    init(
        name: String, place: TraceParent, parent: String?, context: ServiceContext, kind: SpanKind, startNs: UInt64,
        exporter: SpanExporter
    ) {
        (self.place, self.parent, self.kind, self.startNs, self.exporter) = (place, parent, kind, startNs, exporter)
        self.context = context
        state = Mutex(State(name: name))
    }

    package var operationName: String {
        get { state.withLock { $0.name } }
        set { state.withLock { $0.name = newValue } }
    }

    package var attributes: SpanAttributes {
        get { state.withLock { $0.attributes } }
        set { state.withLock { $0.attributes = newValue } }
    }

    package var isRecording: Bool { state.withLock { !$0.hasEnded } }

    package func setStatus(_ status: SpanStatus) { state.withLock { $0.status = status } }

    // Nothing of Weir's makes these, and a library's would be unbounded: they are left out.
    package func addEvent(_ event: SpanEvent) {}
    package func addLink(_ link: SpanLink) {}

    package func recordError<Instant: TracerInstant>(
        _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
    ) {
        // Not the error's text, which may quote what a client sent.
        setStatus(SpanStatus(code: .error, message: "\(type(of: error))"))
    }

    package func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        let ended: State? = state.withLock { state in
            guard !state.hasEnded else { return nil }
            state.hasEnded = true
            return state
        }
        guard let ended else { return }
        var texts: [(String, String)] = []
        ended.attributes.forEach { name, value in
            switch value.toSpanAttribute() {
            case .string(let text): texts.append((name, text))
            case .int64(let number): texts.append((name, String(number)))
            case .int32(let number): texts.append((name, String(number)))
            case .bool(let flag): texts.append((name, String(flag)))
            default: break
            }
        }
        exporter.add(
            SpanRecord(
                name: ended.name, place: place, parent: parent, kind: kind, startNs: startNs,
                endNs: max(startNs, instant().nanosecondsSinceEpoch), attributes: texts,
                hasFailed: ended.status?.code == .error))
    }
}

/// What is told of a span that has ended.
struct SpanRecord: Sendable {
    var name: String
    var place: TraceParent
    var parent: String?
    var kind: SpanKind
    var startNs: UInt64
    var endNs: UInt64
    var attributes: [(String, String)]
    var hasFailed: Bool
}
