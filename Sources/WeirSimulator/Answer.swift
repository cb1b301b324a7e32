import NIOCore
import NIOHTTP1

/// What is to be sent for one request, when, and how it ends. ``CallHandler`` carries it out.
struct Answer: Sendable {
    enum Body: Sendable {
        /// Everything at once, with its length announced.
        case whole(ByteBuffer)
        /// A stream of events: an opening, chunks of text, a closing.
        case events(any AnswerFormat.Type)
        /// The log as JSON lines from an id on; only open calls if asked.
        case log(from: Int, onlyOpen: Bool)
    }

    /// A fault that takes the place of the rest of the answer.
    enum Fault: Sendable, Equatable {
        /// Nothing more is sent, and the connection stays.
        case hang
        /// The connection is cut with RST.
        case reset
        /// A stream ends without its closing events.
        case end
        /// A stream ends with an error event, as a provider's does that is overloaded half-way.
        case error
    }

    var status: HTTPResponseStatus
    var headers: HTTPHeaders
    var body: Body
    /// The call's id in the log; nil for requests that are no calls, such as `GET /log`.
    var id: Int?
    /// Where the call was made; nil where there is no call.
    var place: SimulatorMetrics.Place?
    /// Nil when there was no call to plan: errors and lists.
    var plan: CallPlan?
    var headDelay = TimeAmount.zero
    /// Between two chunks.
    var chunkDelay = TimeAmount.zero
    /// Comes after so many chunks; 0 means before the head, and for `end` and `error` before the first chunk. A plain
    /// answer counts as one chunk, of which half is sent.
    var fault: (after: Int, kind: Fault)?
    /// Events are written in pieces of so many bytes; nil writes them whole.
    var split: Int?

    init(status: HTTPResponseStatus, contentType: String, body: Body) {
        self.status = status
        self.body = body
        headers = [:]
        headers.add(name: "content-type", value: contentType)
        if case .whole(let bytes) = body {
            headers.add(name: "content-length", value: String(bytes.readableBytes))
        }
    }

    /// Leaves the head alone, as HEAD asks. Without a length the encoder would end the body that is not there.
    mutating func removeBody() {
        body = .whole(ByteBuffer())
        if !headers.contains(name: "content-length") { headers.add(name: "content-length", value: "0") }
    }

    /// What a provider bills when nothing after `chunks` is sent.
    func billed(afterChunks chunks: Int) -> SimulatedUsage {
        plan?.billed(afterChunks: chunks) ?? SimulatedUsage()
    }

    /// What a provider bills for the whole answer.
    var billed: SimulatedUsage { plan?.billed ?? SimulatedUsage() }

    /// How the log calls the end of this answer once all of it was sent.
    var outcome: SimulatedCall.Outcome { status.code < 300 ? .completed : .error }
}
