import NIOCore
import WeirCore
import WeirEnforcer
import WeirProviders

/// What becomes of a reservation: settled, released or renewed, by whichever node, for the key that made it alone.
extension DecisionDoor {
    func settle() async throws(Refusal) {
        let record = try await identifyByKey()
        let request = try await body { (scanner) throws(JSONError) in try EndRequest(&scanner, of: .settle) }
        switch try await find(request.id, record) {
        // An orphan is charged the difference, a released one what was used after all.
        case .held(let reservation), .orphaned(.some(let reservation)), .released(.some(let reservation)):
            try requireOwn(reservation, record)
            await node.admission.settle(reservation, as: try event(of: reservation, request), on: loop)
        // Who made it is not remembered, and nothing can be changed any more.
        case .settled: break
        case .released(nil), .orphaned(nil):
            throw conflict("The reservation \(request.id) has ended and was not made by this API.")
        case .unknown, .unfinished: throw unknown(request.id)
        }
        exchange.answer(state: "settled", id: request.id)
    }

    func release() async throws(Refusal) {
        let record = try await identifyByKey()
        let request = try await body { (scanner) throws(JSONError) in try EndRequest(&scanner, of: .release) }
        switch try await find(request.id, record) {
        case .held(let reservation):
            try requireOwn(reservation, record)
            await node.admission.release(reservation, on: loop)
            exchange.answer(state: "released", id: request.id)
        case .settled: exchange.answer(state: "settled", id: request.id)
        case .released: exchange.answer(state: "released", id: request.id)
        case .orphaned: exchange.answer(state: "orphaned", id: request.id)
        case .unknown, .unfinished: throw unknown(request.id)
        }
    }

    func renew() async throws(Refusal) {
        let record = try await identifyByKey()
        let request = try await body { (scanner) throws(JSONError) in try EndRequest(&scanner, of: .renew) }
        let ended = conflict("The reservation \(request.id) has ended: reserve anew before going on.")
        switch try await find(request.id, record) {
        case .held(let reservation):
            try requireOwn(reservation, record)
            var observed = reservation.event
            if request.tokens != nil || request.costMicros != nil {
                observed = try event(of: reservation, request)
            }
            let leaseMs = request.leaseSeconds * 1000
            let isHeld: Bool
            do throws(EnforcerError) {
                isHeld = try await node.admission.hold(reservation, leaseMs: leaseMs, observed: observed, on: loop)
            } catch {
                throw door.noDecision(error)
            }
            guard isHeld else { throw ended }
            exchange.answer(
                state: "held", id: request.id, leaseEndMs: node.admission.nowMs.addingSaturated(leaseMs))
        case .settled, .released, .orphaned: throw ended
        case .unknown, .unfinished: throw unknown(request.id)
        }
    }

    func find(_ id: String, _ record: APIKeyRecord) async throws(Refusal) -> FoundReservation {
        do throws(EnforcerError) {
            return try await node.admission.find(id, team: record.team, on: loop)
        } catch {
            throw door.noDecision(error)
        }
    }

    func requireOwn(_ reservation: RecordedReservation, _ record: APIKeyRecord) throws(Refusal) {
        exchange.product = reservation.event.product
        guard reservation.event.team == record.team, reservation.event.key == record.id else {
            throw .denial(Denial(.forbidden, "Only the API key that made a reservation may end or renew it."))
        }
        guard reservation.event.endpoint == DecisionPlan.endpoint else {
            throw .denial(
                Denial(.forbidden, "This call goes through the gateway, which settles it by what the provider says."))
        }
    }

    func conflict(_ message: String) -> Refusal { .denial(Denial(.reservationEnded, message)) }

    private func unknown(_ id: String) -> Refusal {
        .denial(
            Denial(
                .unknownReservation,
                "There is no reservation \(id). What ended is remembered for 15 minutes from the id's birth."))
    }

    /// What the call used by its maker's word, priced as it was reserved.
    private func event(of reservation: RecordedReservation, _ request: EndRequest) throws(Refusal) -> UsageEvent {
        var event = reservation.event
        event.tokens = request.tokens?.tokens ?? .zero
        if event.priceVersion == DecisionPlan.stated {
            guard let micros = request.costMicros else {
                throw .denial(
                    Denial(.invalidRequest, "\"cost_micros\" is missing: this reservation's cost is the caller's word.")
                )
            }
            event.cost = MicroUSD(micros: micros)
        } else {
            guard request.costMicros == nil, request.tokens != nil else {
                throw .denial(
                    Denial(
                        .invalidRequest,
                        "This reservation is priced by its model: state \"tokens\", and leave \"cost_micros\" out."))
            }
            let prices = try door.prices()
            if let known = prices.price(provider: event.provider, model: event.model) {
                event.cost = known.price.cost(of: event.tokens)
            } else if try door.policy().unpricedModels == .flag {
                event.cost = .zero
            } else {
                event.cost = prices.dearest(provider: event.provider).price.cost(of: event.tokens)
            }
            event.priceVersion = prices.version
        }
        event.outcome = request.outcome
        event.isOK = request.outcome == .completed
        event.status = request.status ?? 0
        event.toolUsed = request.toolUsed
        let tookMs = max(0, node.admission.nowMs.addingSaturated(-event.calledAtMs))
        event.latencyMs = request.latencyMs ?? min(tookMs, DecisionBounds.latencyMs.upperBound)
        return event
    }
}
