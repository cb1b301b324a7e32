import NIOHTTP1
import WeirCore
import WeirEnforcer
import WeirProviders

/// The decision API's answers. Document/openapi.json describes them to the letter.
extension ClientExchange {
    /// - Parameter leaseEndMs: nil for an answer to a question alone.
    func answer(_ reservation: Reservation, of asked: AskedDecision, leaseEndMs: Int?) {
        let model = asked.plan.candidates[reservation.candidate].model
        var writer = JSONWriter(capacity: 512)
        writer.beginObject()
        if leaseEndMs != nil { writer.member("id", reservation.id) }
        writer.member("admitted", true)
        writer.member("product", asked.call.product)
        if model != DecisionPlan.noModel { writer.member("model", model) }
        if reservation.candidate > 0 { writer.member("downgraded_from", asked.plan.candidates[0].model) }
        if let leaseEndMs { writer.member("expires_at", lastSecond(of: leaseEndMs)) }
        writer.key("limits")
        writer.beginArray()
        // What is left of limits that could not be asked is not known.
        for hold in reservation.blind == nil ? reservation.allHolds : [] where hold.isTold {
            writer.beginObject()
            writer.member("limit", hold.limit)
            writer.member("subject", hold.subject)
            writer.member("unit", hold.unit.rawValue)
            writer.member("amount", hold.amount)
            writer.member("amount_source", hold.source.text)
            writer.member("held", hold.held)
            if hold.amount > 0 { writer.member("remaining", max(0, hold.remaining)) }
            if hold.resetsInMs > 0 {
                writer.member("resets_at", rfc3339(ms: reservation.admittedAtMs.addingSaturated(hold.resetsInMs)))
            }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        var headers: Fields = []
        if model != asked.plan.requestedModel { headers.add(name: "weir-model", value: model) }
        LimitHeaders.add(for: reservation, dialect: dialect, to: &headers)
        answer(json: writer.bytes, headers: headers)
    }

    /// - Parameter state: `held`, `settled`, `released`, `orphaned`.
    func answer(state: String, id: String, leaseEndMs: Int? = nil) {
        var writer = JSONWriter(capacity: 128)
        writer.beginObject()
        writer.member("id", id)
        writer.member("state", state)
        if let leaseEndMs { writer.member("expires_at", lastSecond(of: leaseEndMs)) }
        writer.endObject()
        answer(json: writer.bytes)
    }

    /// The last whole second of a lease: who acts by it is never late.
    private func lastSecond(of ms: Int) -> String { rfc3339(ms: ms / 1000 * 1000) }
}

extension Standing {
    func json(record: APIKeyRecord, products: [String]) -> [UInt8] {
        var writer = JSONWriter(capacity: 1024)
        writer.beginObject()
        writer.member("team", record.team)
        writer.member("user", ifPresent: record.user)
        writer.key("products")
        writer.beginArray()
        for product in products { writer.string(product) }
        writer.endArray()
        writer.member("limited", isLimited)
        writer.key("resources")
        writer.beginArray()
        for resource in resources {
            writer.beginObject()
            writer.member("resource", resource.name)
            writer.member("limited", resource.isLimited)
            writer.member("until", ifPresent: resource.untilMs.map(rfc3339))
            writer.endObject()
        }
        writer.endArray()
        writer.key("limits")
        writer.beginArray()
        for line in limits { writer.write(line) }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// Whether anything of it denies calls now.
    private var isLimited: Bool {
        resources.contains { $0.isLimited } || limits.contains { $0.limit.enforce == .reserve && $0.remaining == 0 }
    }
}

extension JSONWriter {
    fileprivate mutating func write(_ line: Standing.Line) {
        beginObject()
        member("limit", line.limit.id)
        member("subject", line.subject.text)
        member("unit", line.limit.unit.rawValue)
        member("enforce", line.limit.enforce.rawValue)
        switch line.limit.span {
        case .window(let ms): member("window_ms", ms)
        case .period(let period): member("period", period.rawValue)
        case .inFlight: break
        }
        member("resource", ifPresent: line.limit.match.resource)
        member("amount", line.amount)
        member("amount_source", line.source.text)
        member("limited", line.limit.enforce == .reserve && line.remaining == 0)
        member("used", ifPresent: line.used)
        member("reserved", ifPresent: line.reserved)
        member("remaining", ifPresent: line.remaining)
        member("resets_at", ifPresent: line.resetsAtMs.map(rfc3339))
        endObject()
    }
}
