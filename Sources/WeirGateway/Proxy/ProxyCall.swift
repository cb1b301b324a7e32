import Logging
import NIOCore
import NIOHTTP1
import WeirCore
import WeirEnforcer

/// One admitted call: sends it, passes the answer on as it arrives, and charges it, whatever happens.
///
/// ``CallLife`` decides; this obeys. It outlives its client, since the answer of a client that has gone is drained.
final class ProxyCall: UpstreamReceiver, Watched {
    private let reservation: Reservation
    private let baseEvent: UsageEvent
    /// Nil once it is sent: a stream may outlive its request by minutes, and requests may be large.
    private var request: UpstreamRequest?
    private let client: ClientExchange
    private let owner: GatewayLoop
    private var life = CallLife()
    private var meter: CallMeter
    private var exchange: (any UpstreamExchange)?
    /// The provider is not read on until the client can take more.
    private var isHeldBack = false
    private var lastHeard = NIODeadline.now()
    private var hasHead = false
    private var nextRenewal: NIODeadline
    /// As it was at the last renewal.
    private var announcements: Int
    private var draining: (bytes: Int, until: NIODeadline)?
    var watchSlot: Int?

    init(_ admitted: AdmittedCall, client: ClientExchange, owner: GatewayLoop) {
        reservation = admitted.reservation
        baseEvent = admitted.event
        request = admitted.request
        self.client = client
        self.owner = owner
        meter = admitted.meter
        nextRenewal = .now() + TimeAmount(owner.node.admission.renewalInterval)
        announcements = owner.node.admission.announcements
    }

    /// Sends it. Its client is told when it is over and charged.
    func begin() {
        owner.watch(self)
        if !client.isClientThere { tell(.clientGone(mayDrain: false)) }
        if owner.isStopping { tell(.stopped) }
        guard life.isAlive, var request = request.take() else { return }
        client.trace?.beginUpstream(telling: &request.fields)
        let started = owner.upstream.start(request, to: self)
        // It may have failed at once.
        if life.isAlive { exchange = started }
    }

    private func end(_ ending: CallLife.Ending) async {
        if case .cut = ending.answer { client.cutAnswer() }
        await charge(ending)
        switch ending.answer {
        case .complete: client.endAnswer()
        case .deny(let reason): client.deny(denial(reason))
        case .cut, .nobody: break
        }
        client.callEnded(.forwarded(ending.outcome))
    }

    private func charge(_ ending: CallLife.Ending) async {
        let admission = owner.node.admission
        let span = client.trace?.begin("settle")
        defer { span?.finish() }
        if ending.charge == .nothingHappened {
            await admission.release(reservation, on: owner.loop)
        } else {
            await admission.settle(reservation, as: event(ending), on: owner.loop)
        }
    }

    /// The usage event as it is now, or as it ends.
    private func event(_ ending: CallLife.Ending?) -> UsageEvent {
        var event = baseEvent
        event.calledAtMs = reservation.admittedAtMs
        event.latencyMs = Int((NIODeadline.now() - client.startedAt).nanoseconds / 1_000_000)
        meter.charge(ending?.charge ?? .observed, to: &event)
        if let ending {
            event.outcome = ending.outcome
            event.status = ending.status
            event.isOK = ending.isOK
            if ending.isOK, meter.hasErrorInside { (event.outcome, event.isOK) = (.providerError, false) }
        }
        return event
    }

    private func denial(_ reason: Denial.Reason) -> Denial {
        switch reason {
        case .providerTimeout: Denial(reason, "The provider did not answer in time.")
        case .degraded: Denial(reason, "This node is stopping.", retryAfter: 1)
        default: Denial(reason, "The provider could not be reached, or broke off before it answered.", retryAfter: 1)
        }
    }

    private func tell(_ event: CallLife.Event) {
        switch life.on(event) {
        case .goOn: break
        case .drain: beginDraining()
        case .finish(let ending): finish(ending)
        }
    }

    /// Once, since a life ends once.
    private func finish(_ ending: CallLife.Ending) {
        if draining != nil {
            owner.drains -= 1
            draining = nil
        }
        exchange?.cancel()
        exchange = nil
        owner.unwatch(self)
        client.trace?.endUpstream(status: ending.status)
        let call = NIOLoopBound(self, eventLoop: owner.loop)
        Task(executorPreference: owner.executor) { await call.value.end(ending) }
    }

    // MARK: From the provider

    func upstreamSent() { tell(.requestSent) }

    func upstreamHead(_ head: HTTPResponseHead) {
        lastHeard = .now()
        hasHead = true
        tell(.head(status: Int(head.status.code)))
        meter.begin(status: Int(head.status.code), headers: head.headers)
        client.answer(head, keepingLength: meter.keepsLength, reservation: reservation)
    }

    func upstreamBody(_ bytes: ByteBuffer) {
        lastHeard = .now()
        if let passed = meter.observe(bytes) { client.answerBody(passed) }
        if draining != nil {
            draining?.bytes -= bytes.readableBytes
            if let draining, draining.bytes < 0 { tell(.drainedEnough) }
        }
    }

    /// The provider is read on only when the client has taken what it was sent.
    func upstreamReadComplete() -> Bool {
        client.flushAnswer()
        isHeldBack = life.isAlive && draining == nil && client.isHeldBack
        return !isHeldBack
    }

    func upstreamEnded() {
        exchange = nil
        if let rest = meter.end() { client.answerBody(rest) }
        tell(.end)
    }

    func upstreamFailed(_ error: any Error) {
        exchange = nil
        owner.node.logger.debug("provider", metadata: ["request": "\(client.id)", "error": "\(type(of: error))"])
        tell(.failed)
    }

    private func resumeProvider() {
        guard isHeldBack else { return }
        isHeldBack = false
        lastHeard = .now()
        exchange?.resume()
    }

    // MARK: From the client and the node

    func clientCanTakeMore() { resumeProvider() }

    func clientGone() {
        tell(.clientGone(mayDrain: owner.drains < owner.drainsAtMost))
    }

    private func beginDraining() {
        guard draining == nil else { return }
        owner.drains += 1
        let drain = owner.node.configuration.drain
        draining = (drain.bytes, .now() + TimeAmount(drain.time))
        resumeProvider()
    }

    func stop() { tell(.stopped) }

    func close() { tell(.stopped) }

    func check(now: NIODeadline) {
        let deadlines = owner.node.configuration.deadlines
        if let draining, now > draining.until { return tell(.drainedEnough) }
        let patience = hasHead ? deadlines.providerIdle : deadlines.providerHead
        if !isHeldBack, now - lastHeard > TimeAmount(patience) { return tell(.silence) }
        if now > nextRenewal || announcements != owner.node.admission.announcements { renew(now) }
    }

    /// Keeps the reservation alive, with what has been observed, in case this node dies.
    private func renew(_ now: NIODeadline) {
        nextRenewal = now + TimeAmount(owner.node.admission.renewalInterval)
        announcements = owner.node.admission.announcements
        let (node, loop, reservation) = (owner.node, owner.loop, self.reservation)
        let observed = event(nil)
        Task(executorPreference: owner.executor) {
            do throws(EnforcerError) {
                try await node.admission.renew(reservation, observed: observed, on: loop)
            } catch {
                // The next one comes before the lease has run out.
                node.logger.debug("lease not renewed", metadata: ["request": "\(reservation.id)", "why": "\(error)"])
            }
        }
    }
}
