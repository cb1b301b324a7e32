import Logging
import NIOCore
import NIOHTTP1
import WeirCore
import WeirProviders

/// One request and its answer. Its task runs on the connection's event loop, so that nothing here crosses threads.
final class ClientExchange {
    let head: HTTPRequestHead
    let peer: Peer
    let owner: GatewayLoop
    /// What the client is told in `weir-request-id`; the reservation's and the usage event's id too.
    let id: String
    let startedAt = NIODeadline.now()
    /// Set as soon as they are known, for the headers and the form of whatever answer is given. Without a route the
    /// form is guessed, when it is needed.
    var product: String?
    var served: ServedModel?
    /// Nil: calls are not traced.
    private(set) var trace: CallTrace?
    /// Further headers of the node's own answers, denials included.
    var ownHeaders: Fields = []
    lazy var dialect = Route.dialect(ofPath: head.uri, headers: head.headers)

    private var connection: ConnectionHandler?
    private var body = RequestBody()
    private var call: ProxyCall?
    private enum Answer { case none, started, ended }
    private var answer = Answer.none
    private var keepsConnection: Bool

    init(head: HTTPRequestHead, peer: Peer, connection: ConnectionHandler, owner: GatewayLoop) {
        self.head = head
        self.peer = peer
        self.connection = connection
        self.owner = owner
        id = owner.node.admission.makeReservationID()
        // HTTP/1.0 keeps connections only by an extension that nobody needs here.
        keepsConnection = head.isKeepAlive && head.version == .http1_1
    }

    var isClientThere: Bool { connection != nil }
    var isHeldBack: Bool { connection.map { !$0.isWritable } ?? false }

    // MARK: The request

    func begin() {
        let limits = owner.node.configuration.limits
        if let problem = RequestHeadCheck.problem(of: head, targetBytes: limits.targetBytes) {
            keepsConnection = false
            return refuse(Denial(.invalidRequest, problem.message))
        }
        if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }), length > limits.bodyBytes {
            return refuse(tooLarge)
        }
        owner.node.metrics.begin()
        if let tracer = owner.node.tracer { trace = CallTrace(tracer, head: head, id: id) }
        let exchange = NIOLoopBound(self, eventLoop: owner.loop)
        Task(executorPreference: owner.executor) { await exchange.value.run() }
    }

    private func run() async {
        do throws(Refusal) {
            if DecisionRoute.isDecision(head.uri) {
                try await DecisionDoor(exchange: self).answer()
                end(.decided)
            } else {
                begin(ProxyCall(try await CallDoor(exchange: self).admit(), client: self, owner: owner))
            }
        } catch {
            switch error {
            case .denial(let denial):
                deny(denial)
                end(.denied(denial.reason))
            case .clientGone: end(.clientGone)
            }
        }
    }

    /// This task ends with the admission, and another one charges the call: a task keeps the memory of its deepest moment,
    /// 30 KiB of it, and an answer may stream for minutes.
    private func begin(_ call: ProxyCall) {
        self.call = call
        owner.bodyBytes -= body.giveUp()
        call.begin()
    }

    func callEnded(_ outcome: GatewayMetrics.Outcome) {
        owner.node.metrics.letGo()
        call = nil
        end(outcome)
    }

    private func end(_ outcome: GatewayMetrics.Outcome) {
        owner.bodyBytes -= body.giveUp()
        tell(outcome)
    }

    /// What becomes of the request, to metrics, log and trace.
    private func tell(_ outcome: GatewayMetrics.Outcome) {
        let counts = owner.counts.of(product, owner.node)
        owner.node.metrics.end(outcome, of: counts)
        trace?.end(outcome, product: product)
        owner.node.logger.debug(
            "call",
            metadata: [
                "request": "\(id)", "outcome": "\(outcome)", "product": "\(product ?? "-")",
                "class": "\(counts.callClass)",
                "ms": "\((NIODeadline.now() - startedAt).nanoseconds / 1_000_000)",
            ])
    }

    /// What its head says of the call; as it was read for the connection's last request, if that had the same.
    func readHead() throws(Route.Problem) -> ReadHead {
        if let known = connection?.readHead, known.isOf(head) { return known }
        let read = try ReadHead(head)
        connection?.readHead = read.isSmall ? read : nil
        return read
    }

    func receive(_ bytes: ByteBuffer) {
        guard answer == .none else { return }
        let limits = owner.node.configuration.limits
        guard body.count + bytes.readableBytes <= limits.bodyBytes else { return body.refuse(.denial(tooLarge)) }
        guard owner.bodyBytes + bytes.readableBytes <= owner.bodyBytesAtMost else {
            return body.refuse(
                .denial(Denial(.degraded, "This node holds as many requests as it can.", retryAfter: 1)))
        }
        owner.bodyBytes += bytes.readableBytes
        body.append(bytes)
    }

    func receiveEnd() { body.end() }

    /// The whole body, once it is there. Asks for it first if the client waits to be asked.
    func wholeBody() async throws(Refusal) -> ByteBuffer {
        if !body.isWhole, head.version == .http1_1,
            head.headers.first(name: "expect")?.equalsIgnoringCase("100-continue") == true
        {
            connection?.writeContinue()
        }
        if let there = body.result { return try there.get() }
        let result = await withUnsafeContinuation { body.wait($0) }
        return try result.get()
    }

    /// The parser gave up on what the client sends. The connection is closed by the caller.
    func refuseUnreadable(_ error: HTTPParserError) {
        keepsConnection = false
        guard answer == .none else { return }
        body.refuse(.clientGone)
        refuse(
            Denial(.invalidRequest, "The request is not readable as HTTP/1.1."),
            status: error == .headerOverflow ? .requestHeaderFieldsTooLarge : nil)
    }

    /// Denies a request that never got a task of its own. The connection ends with it, because its body has not come
    /// in.
    private func refuse(_ denial: Denial, status: HTTPResponseStatus? = nil) {
        owner.node.metrics.begin()
        deny(denial, status: status)
        tell(.denied(denial.reason))
    }

    private var tooLarge: Denial {
        Denial(
            .requestTooLarge, "The request's body is larger than \(owner.node.configuration.limits.bodyBytes) bytes.")
    }

    // MARK: The answer

    /// Begins the provider's answer.
    func answer(_ head: HTTPResponseHead, keepingLength: Bool, reservation: Reservation) {
        guard let connection, answer == .none else { return }
        answer = .started
        var headers = HeaderFilter.towardsClient(
            head.headers, keepingLength: keepingLength, isLimited: head.status == .tooManyRequests, room: 16)
        headers.add(name: "weir-request-id", value: id)
        if let product { headers.add(name: "weir-product", value: product) }
        if let model = served?.model { headers.add(name: "weir-model", value: model) }
        if let from = served?.downgradedFrom { headers.add(name: "weir-downgraded-from", value: from) }
        if let bound = served?.clampedTo { headers.add(name: "weir-max-tokens", value: String(bound)) }
        // So that a provider's 429 is not taken for one of ours.
        if !(200...299).contains(head.status.code) { headers.add(name: "weir-reason", value: "provider_error") }
        LimitHeaders.add(for: reservation, dialect: dialect, to: &headers)
        if !keepsConnection || !body.isWhole { headers.add(name: "connection", value: "close") }
        connection.writeHead(self.head.version, head.status, headers)
    }

    func answerBody(_ bytes: ByteBuffer) {
        guard let connection, answer == .started else { return }
        connection.writeBody(bytes)
    }

    /// Hands on what there is of the answer. Its end brings its own flush, after the call was settled, so that a client
    /// which has the whole answer finds its call charged.
    func flushAnswer() { connection?.flush() }

    func endAnswer() {
        guard let connection, answer == .started else { return }
        answer = .ended
        connection.finish(requestIsWhole: body.isWhole, keepsConnection: keepsConnection)
    }

    /// Cuts an answer short in a way that no client takes for its end.
    func cutAnswer() {
        connection?.flush()
        connection?.close()
    }

    /// Gives a whole answer of the node's own.
    func answer(json bytes: [UInt8], headers more: Fields = []) {
        guard let connection, answer == .none else { return }
        answer = .ended
        if !body.isWhole || owner.isStopping { keepsConnection = false }
        var headers: Fields = []
        headers.add(name: "content-type", value: "application/json")
        headers.add(name: "content-length", value: String(bytes.count))
        headers.add(name: "weir-request-id", value: id)
        if let product { headers.add(name: "weir-product", value: product) }
        headers += ownHeaders
        headers += more
        if !keepsConnection { headers.add(name: "connection", value: "close") }
        connection.writeHead(head.version, .ok, headers)
        if head.method != .HEAD { connection.writeBody(ByteBuffer(bytes: bytes)) }
        connection.finish(requestIsWhole: body.isWhole, keepsConnection: keepsConnection)
    }

    func deny(_ denial: Denial, status: HTTPResponseStatus? = nil) {
        guard let connection, answer == .none else { return }
        answer = .ended
        if !body.isWhole || owner.isStopping { keepsConnection = false }
        var (status, headers, body) = DenialAnswer.make(
            denial, dialect: dialect, requestID: id, product: product, status: status,
            keepsConnection: keepsConnection)
        headers += ownHeaders
        connection.writeHead(head.version == .http1_0 ? .http1_0 : .http1_1, status, headers)
        if head.method != .HEAD { connection.writeBody(body) }
        connection.finish(requestIsWhole: self.body.isWhole, keepsConnection: keepsConnection)
    }

    // MARK: What else happens

    func clientGone() {
        connection = nil
        body.refuse(.clientGone)
        call?.clientGone()
    }

    func clientCanTakeMore() { call?.clientCanTakeMore() }

    func check(now: NIODeadline) {
        guard !body.isWhole, answer == .none else { return }
        let deadlines = owner.node.configuration.deadlines
        if now - body.lastProgress > TimeAmount(deadlines.bodyProgress)
            || now - startedAt > TimeAmount(deadlines.body)
        {
            body.refuse(.denial(Denial(.invalidRequest, "The request's body came too slowly.")))
        }
    }

    func stop() {
        if call == nil {
            body.refuse(.denial(Denial(.degraded, "This node is stopping.", retryAfter: 1)))
        }
    }
}

/// Why an exchange ends without a call to a provider.
enum Refusal: Error {
    case denial(Denial)
    case clientGone
}
