import NIOCore
import NIOHTTP1
import WeirCore
import WeirEnforcer
import WeirProviders
import WeirRedis

/// The decision API: the engine's answers for callers that make their calls themselves.
struct DecisionDoor {
    let exchange: ClientExchange
    let door: CallDoor
    var node: GatewayNode { exchange.owner.node }
    var loop: any EventLoop { exchange.owner.loop }

    init(exchange: ClientExchange) {
        self.exchange = exchange
        door = CallDoor(exchange: exchange)
    }

    func answer() async throws(Refusal) {
        switch try DecisionRoute(exchange.head) {
        case .reserve: try await reserve()
        case .check: try await check()
        case .settle: try await settle()
        case .release: try await release()
        case .renew: try await renew()
        case .limits(let query): try await limits(query)
        case .authz(let query, let uri): try await authorize(query, uri: uri)
        case .document: exchange.answer(json: PackageResources.openapi_json)
        }
    }

    // MARK: Asking

    private func reserve() async throws(Refusal) {
        let record = try await identifyByKey()
        let request = try await body { (scanner) throws(JSONError) in try ReserveRequest(&scanner) }
        let asked = try plan(request, record)
        let earlier = try await earlier(request, asked, record)
        let event = asked.plan.event(
            for: asked.call, labels: try door.labels(), id: request.id ?? exchange.id, request: exchange.id)
        let reservation = try await door.admit(asked.call, asked.plan.candidates, event)
        if let earlier {
            exchange.answer(reservation, of: asked, leaseEndMs: earlier.leaseEndMs)
            return
        }
        var served = event
        // The earliest of all shards: what is given back to a window later goes to the bucket of the admission or an older
        // one, and never makes room too early.
        served.calledAtMs = reservation.sideParts.map(\.admittedAtMs).reduce(reservation.admittedAtMs, min)
        let candidate = asked.plan.candidates[reservation.candidate]
        (served.model, served.isModelKnown) = (candidate.model, candidate.isModelKnown)
        (served.tokens, served.cost) = (candidate.estimate.observed, candidate.estimate.observedCost)
        try await hold(reservation, served, leaseMs: request.leaseSeconds * 1000)
        exchange.answer(
            reservation, of: asked, leaseEndMs: reservation.admittedAtMs.addingSaturated(request.leaseSeconds * 1000))
    }

    /// Gives the reservation the lease that was asked for, and writes down when it was admitted, which any node needs that
    /// settles it.
    private func hold(_ reservation: Reservation, _ event: UsageEvent, leaseMs: Int) async throws(Refusal) {
        let refusal: Refusal
        do throws(EnforcerError) {
            let recorded = RecordedReservation(reservation, event: event)
            if try await node.admission.hold(recorded, leaseMs: leaseMs, observed: event, on: loop) { return }
            refusal = door.noDecision(.degraded(reason: "reservation \(reservation.id) was lost at once"))
        } catch {
            refusal = door.noDecision(error)
        }
        await node.admission.release(reservation, on: loop)
        throw refusal
    }

    /// What a repeated request made the first time; nil: it is new.
    private func earlier(
        _ request: ReserveRequest, _ asked: AskedDecision, _ record: APIKeyRecord
    ) async throws(Refusal) -> RecordedReservation? {
        guard let text = request.id, let id = ReservationID(text) else { return nil }
        switch try await find(text, record) {
        case .held(let reservation):
            try requireOwn(reservation, record)
            guard asked.stands(for: reservation.assumed) else {
                throw conflict("The id \(text) stands for another reservation: make a new one.")
            }
            return reservation
        case .settled, .released, .orphaned:
            throw conflict("The reservation \(text) has ended: make a new id.")
        case .unfinished: throw conflict("The id \(text) is taken: make a new one.")
        case .unknown: break
        }
        guard abs(id.birthMs - node.admission.nowMs) <= DecisionBounds.birthMs else {
            throw .denial(
                Denial(
                    .invalidRequest,
                    "\"id\" must be made at the time of the request: a ULID's time may differ by a minute at most."))
        }
        return nil
    }

    private func check() async throws(Refusal) {
        let record = try await door.identify(Credential(exchange.head.headers), product: nil)
        let request = try await body { (scanner) throws(JSONError) in try ReserveRequest(&scanner) }
        let asked = try plan(request, record)
        let event = asked.plan.event(
            for: asked.call, labels: try door.labels(), id: ReservationID.none.text, request: exchange.id)
        let forecast = try await door.admit(asked.call, asked.plan.candidates, event)
        exchange.answer(forecast, of: asked, leaseEndMs: nil)
    }

    private func limits(_ query: DecisionRoute.Query) async throws(Refusal) {
        let record = try await door.identify(
            Credential(exchange.head.headers, queryKeys: query.keys), product: query.product)
        let policy = try door.policy()
        let names: [String]
        if let product = query.product {
            names = [product]
        } else {
            names = record.products.isEmpty ? policy.products.keys.sorted() : record.products
        }
        var calls: [Call] = []
        for name in names {
            let (product, rules) = try door.chosenProduct(name, record, policy)
            if record == .anonymous, !rules.anonymous { continue }
            calls.append(call(record, product, rules, model: query.model ?? DecisionPlan.noModel))
        }
        do throws(EnforcerError) {
            let standing = try await node.admission.standing(of: calls, model: query.model, on: loop)
            exchange.answer(json: standing.json(record: record, products: calls.map(\.product)))
        } catch {
            throw door.noDecision(error)
        }
    }

    /// Key, product, kill switch and limited set, and whether every limit has room for the least that a call can be.
    private func authorize(_ query: DecisionRoute.Query, uri: Substring?) async throws(Refusal) {
        let named = try product(query, uri: uri)
        let record = try await door.identify(
            Credential(exchange.head.headers, queryKeys: query.keys), product: named)
        exchange.ownHeaders.add(name: "weir-team", value: record.team)
        if let user = record.user { exchange.ownHeaders.add(name: "weir-user", value: user) }
        exchange.ownHeaders.add(name: "weir-key", value: record.id)
        let policy = try door.policy()
        let (product, rules) = try door.chosenProduct(named, record, policy)
        exchange.product = product
        let model = query.model ?? DecisionPlan.noModel
        if let asked = query.model, !record.models.isEmpty, !record.models.contains(asked) {
            throw .denial(Denial(.modelNotAllowed, "This API key may not use the model '\(asked)'."))
        }
        let least = Estimate(
            tokens: 1, cost: MicroUSD(micros: 1), observed: .zero, observedCost: .zero)
        let call = call(record, product, rules, model: model)
        let event = UsageEvent(
            id: ReservationID.none.text, calledAtMs: 0, team: call.team, product: product, billable: call.billable,
            callClass: call.callClass, endpoint: DecisionPlan.endpoint, provider: DecisionPlan.otherProvider,
            requestedModel: model, model: model, priceVersion: DecisionPlan.stated)
        let forecast = try await door.admit(call, [Candidate(model: model, estimate: least)], event)
        var headers: Fields = []
        LimitHeaders.add(for: forecast, dialect: exchange.dialect, to: &headers)
        exchange.answer(json: Array(#"{"admitted":true}"#.utf8), headers: headers)
    }

    /// The operator's word in the query first; then the path that was asked for, if it begins with a product; then the
    /// caller's.
    private func product(_ query: DecisionRoute.Query, uri: Substring?) throws(Refusal) -> String? {
        let headers = exchange.head.headers
        let policy = try door.policy()
        if let named = query.product {
            guard policy.product(named: named) != nil else {
                throw .denial(Denial(.forbidden, "There is no product '\(named)'."))
            }
            return named
        }
        let asked =
            uri.map(String.init) ?? headers.first(name: "x-original-uri") ?? headers.first(name: "x-forwarded-uri")
        if let first = asked?.split(separator: "/").first?.prefix(while: { $0 != "?" }),
            policy.product(named: String(first)) != nil
        {
            return String(first)
        }
        guard let named = headers.first(name: "weir-product") else { return nil }
        guard policy.product(named: named) != nil else {
            throw .denial(Denial(.forbidden, "There is no product of the name in weir-product."))
        }
        return named
    }

    // MARK: What they share

    /// Only a caller with an API key has reservations of its own.
    func identifyByKey() async throws(Refusal) -> APIKeyRecord {
        let record = try await door.identify(Credential(exchange.head.headers), product: nil)
        guard record != .anonymous else {
            throw .denial(Denial(.unauthorized, "The API key is missing or not valid."))
        }
        return record
    }

    func body<Value>(
        _ read: (inout JSONScanner) throws(JSONError) -> Value
    ) async throws(Refusal) -> Value {
        let tooLarge = Refusal.denial(
            Denial(.requestTooLarge, "The body is larger than \(DecisionBounds.bodyBytes) bytes."))
        if let length = exchange.head.headers.first(name: "content-length").flatMap({ Int($0) }),
            length > DecisionBounds.bodyBytes
        {
            throw tooLarge
        }
        try door.refuseCompressedBody()
        let bytes = try await exchange.wholeBody()
        guard bytes.readableBytes <= DecisionBounds.bodyBytes else { throw tooLarge }
        do throws(JSONError) {
            return try JSONScanner.read(Array(bytes.readableBytesView), read)
        } catch {
            throw .denial(Denial(.invalidRequest, "The body cannot be read: \(error)."))
        }
    }

    private func plan(_ request: ReserveRequest, _ record: APIKeyRecord) throws(Refusal) -> AskedDecision {
        let policy = try door.policy()
        let (product, rules) = try door.chosenProduct(request.product, record, policy)
        if record == .anonymous, !rules.anonymous || rules.billable {
            throw .denial(Denial(.unauthorized, "The API key is missing or not valid."))
        }
        exchange.product = product
        let plan = try DecisionPlan(
            request, record: record, product: (product, rules), policy: policy, prices: try door.prices())
        return AskedDecision(plan: plan, call: call(record, product, rules, model: plan.candidates[0].model))
    }

    private func call(
        _ record: APIKeyRecord, _ product: String, _ rules: Policy.Product, model: String
    ) -> Call {
        Call(
            team: record.team, user: record.user, groups: record.groups, key: record.id,
            ip: exchange.peer.clientSubject(exchange.head.headers), product: product, callClass: rules.callClass,
            billable: rules.billable, resource: rules.resource, model: model)
    }
}

/// A call that asks, and what it may cost.
struct AskedDecision {
    let plan: DecisionPlan
    let call: Call

    /// Whether a reservation was made for the same call: what holds less must not be taken for what is asked for now.
    func stands(for assumed: UsageEvent) -> Bool {
        assumed.product == call.product && assumed.requestedModel == plan.requestedModel
            && plan.candidates.contains { candidate in
                candidate.model == assumed.model && candidate.estimate.observed == assumed.tokens
                    // Prices may have changed since then.
                    && (candidate.estimate.observedCost == assumed.cost || plan.priceVersion != assumed.priceVersion)
            }
    }
}
