import Logging
import NIOCore
import NIOHTTP1
import WeirCore
import WeirEnforcer
import WeirProviders

/// The way of a request to its admission: who calls, through which product, for what, at what price.
struct CallDoor {
    let exchange: ClientExchange
    private var node: GatewayNode { exchange.owner.node }

    init(exchange: ClientExchange) { self.exchange = exchange }

    /// The order matters: who calls is settled before a byte of a body is asked for, and everything that can fail has
    /// been done before anything is reserved. Nothing is charged when it throws.
    func admit() async throws(Refusal) -> AdmittedCall {
        let head = try readHead()
        let route = head.route
        exchange.dialect = route.provider
        let record = try await identify(head.credential, product: route.product)
        let policy = try policy()
        let (product, rules) = try chosenProduct(route.product, record, policy)
        exchange.product = product
        let labels = try labels(head)
        try refuseCompressedBody()
        let body = try await exchange.wholeBody()
        let plan = try CallPlan(
            route: route, body: body, record: record, product: (product, rules), policy: policy, prices: try prices())
        let call = Call(
            team: record.team, user: record.user, groups: record.groups, key: record.id,
            ip: exchange.peer.clientSubject(exchange.head.headers), product: product, callClass: rules.callClass,
            billable: rules.billable, resource: rules.resource, model: plan.candidates[0].model)
        let event = plan.event(for: call, labels: labels, id: exchange.id)
        var request = try outgoing(head, rules.upstream)
        let reservation = try await admit(call, plan.candidates, event)
        node.metrics.hold(isModelKnown: plan.candidates[reservation.candidate].isModelKnown)
        request.body = plan.body(for: reservation)
        if let target = route.target(servedBy: plan.candidates[reservation.candidate].model) { request.target = target }
        exchange.served = plan.served(by: reservation)
        return AdmittedCall(
            reservation: reservation, request: request, event: plan.event(event, for: reservation),
            meter: plan.meter(for: reservation))
    }

    private func readHead() throws(Refusal) -> ReadHead {
        do throws(Route.Problem) {
            return try exchange.readHead()
        } catch {
            switch error {
            case .unknown: throw .denial(Denial(.unknownRoute, "Nothing is served at this method and path."))
            case .notForwarded(let why): throw .denial(Denial(.unknownRoute, why))
            case .query(let why): throw .denial(Denial(.invalidRequest, why))
            }
        }
    }

    /// The same answer whether a key is missing, malformed, unknown, revoked or expired. Only where a product serves anybody
    /// does it take no key at all; a wrong one is wrong there, too.
    func identify(_ credential: Credential, product: String?) async throws(Refusal) -> APIKeyRecord {
        let unauthorized = Refusal.denial(Denial(.unauthorized, "The API key is missing or not valid."))
        let hash: String
        switch credential {
        case .sha256(let known): hash = known
        case .malformed: throw unauthorized
        case .missing:
            let found = try policy().product(named: product ?? ProductChoice.standard)
            guard let product = found?.product, product.anonymous, !product.billable else { throw unauthorized }
            return .anonymous
        }
        let record: APIKeyRecord?
        do throws(EnforcerError) {
            record = try await node.admission.identify(keySHA256: hash, on: exchange.owner.loop)
        } catch {
            throw noDecision(error)
        }
        guard let record else { throw unauthorized }
        return record
    }

    func chosenProduct(
        _ asked: String?, _ record: APIKeyRecord, _ policy: Policy
    ) throws(Refusal) -> (name: String, product: Policy.Product) {
        do throws(DeniedChoice) {
            return try ProductChoice.choose(path: asked, record: record, policy: policy)
        } catch {
            throw .denial(error.denial)
        }
    }

    func policy() throws(Refusal) -> Policy {
        do throws(EnforcerError) { return try node.admission.policy() } catch { throw noDecision(error) }
    }

    func prices() throws(Refusal) -> PriceTable {
        do throws(EnforcerError) { return try node.admission.prices() } catch { throw noDecision(error) }
    }

    func labels() throws(Refusal) -> CallLabels {
        do throws(CallLabels.Problem) { return try CallLabels(exchange.head.headers) } catch { throw error.refusal }
    }

    private func labels(_ head: ReadHead) throws(Refusal) -> CallLabels {
        do throws(CallLabels.Problem) { return try head.labels.get() } catch { throw error.refusal }
    }

    /// What cannot be read cannot be metered.
    func refuseCompressedBody() throws(Refusal) {
        guard let coding = exchange.head.headers.first(name: "content-encoding") else { return }
        guard coding.equalsIgnoringCase("identity") else {
            throw .denial(Denial(.invalidRequest, "A compressed body cannot be metered: send it as it is."))
        }
    }

    func admit(
        _ call: Call, _ candidates: [Candidate], _ event: UsageEvent
    ) async throws(Refusal) -> Reservation {
        let decision: Decision
        let asked = NIODeadline.now()
        let span = exchange.trace?.begin("admit")
        defer { span?.finish() }
        do throws(EnforcerError) {
            decision = try await node.admission.admit(
                call, candidates: candidates, event: event, on: exchange.owner.loop)
        } catch {
            throw noDecision(error)
        }
        node.metrics.decided(after: .now() - asked)
        switch decision {
        case .admitted(let reservation):
            exchange.owner.counts.of(call.product, node, callClass: call.callClass)
                .countAdmitted(isBlind: reservation.blind != nil)
            return reservation
        case .denied(let denial): throw .denial(denial)
        }
    }

    /// The client learns that there is no decision, the log learns why.
    func noDecision(_ error: EnforcerError) -> Refusal {
        switch error {
        case .outage(let reason), .degraded(let reason):
            node.logger.debug("no decision", metadata: ["request": "\(exchange.id)", "why": "\(reason)"])
        case .misconfigured(let reason):
            node.logger.error("no decision", metadata: ["request": "\(exchange.id)", "why": "\(reason)"])
        }
        return .denial(
            Denial(.degraded, "Limits cannot be checked at the moment, so nothing is let through.", retryAfter: 1))
    }

    /// All but its body.
    private func outgoing(_ head: ReadHead, _ upstream: Policy.Upstream?) throws(Refusal) -> UpstreamRequest {
        let route = head.route
        let destination: Destination
        do throws(Destination.Missing) {
            destination = try Destination(of: route.provider, upstream: upstream, node: node)
        } catch {
            throw .denial(Denial(.providerUnavailable, error.message))
        }
        var fields: Fields = []
        fields.reserveCapacity(head.forwarded.count + 3)
        fields += head.forwarded
        if let key = destination.key {
            switch route.provider {
            case .anthropic: fields.add(name: "x-api-key", value: key.reveal())
            case .openAI: fields.add(name: "authorization", value: "Bearer " + key.reveal())
            case .gemini: fields.add(name: "x-goog-api-key", value: key.reveal())
            }
        }
        // Usage must be readable as it passes.
        fields.add(name: "accept-encoding", value: "identity")
        fields.add(name: "weir-request-id", value: exchange.id)
        return UpstreamRequest(
            base: destination.base, target: route.target, method: exchange.head.method,
            fields: fields)
    }
}

extension CallLabels.Problem {
    fileprivate var refusal: Refusal {
        .denial(
            Denial(.invalidRequest, "The header \(header) must come once, with 1 to 128 of A-Z a-z 0-9 . _ @ : -"))
    }
}
