import Hummingbird
import WeirCore
import WeirLedger
import WeirProviders
import WeirRedis

extension AdminRoutes {
    var eventRoutes: [AdminRoute] {
        [
            .get(
                "events", "Calls and their corrections, newest first",
                [
                    .init("team", .text, "Only this team's."), .init("user", .text, "Only this user's."),
                    .init("key", .text, "Only this API key's, by its id."),
                    .init("product", .text, "Only this product's."), .init("model", .text, "Only those it served."),
                    .init(
                        "outcome", .oneOf(UsageEvent.Outcome.allCases.map(\.rawValue)), "Only those that ended so."),
                    .init("from", .time, "Admitted at this moment or later; a week before `to` without it."),
                    .init("to", .time, "Admitted before this moment; now without it."),
                ], answer: EventList.self
            ) { request, context in try await listEvents(request, context) },
            .get(
                "events/{id}", "One call: what it held, what it cost and at which prices, and what corrected that",
                answer: EventStory.self
            ) { _, context in try answer(await story(of: parameter("id", context))) },
        ]
    }

    private func listEvents(_ request: Request, _ context: AdminContext) async throws -> Response {
        let values = context.query
        let toMs = values["to"].flatMap(moment) ?? nowMs() + 1
        let fromMs = values["from"].flatMap(moment) ?? max(0, toMs - 7 * UTCDay.lengthMs)
        let filter = EventFilter(
            team: values["team"], user: values["user"], key: values["key"], product: values["product"],
            model: values["model"], outcome: values["outcome"].flatMap { .init(rawValue: $0) }, fromMs: fromMs,
            toMs: toMs, corrections: .listed)
        return try await listAnswer(request, context, as: "events", parts: 2) { _, place, limit in
            let found = try await ledger.events(
                filter, before: place.map { .init(calledAtMs: Int($0[0]) ?? 0, id: $0[1]) }, limit: limit)
            return (
                EventList(events: found.rows.map(EventDescription.init)),
                found.next.map { [String($0.calledAtMs), $0.id] }
            )
        }
    }

    /// What the ledger and Redis know of a call.
    package func story(of id: String) async throws -> EventStory {
        let known = try await ledger.event(id: id)
        let record =
            ReservationID(id) == nil ? nil : try await publication.reservation(id, team: known?.event.event.team)
        guard known != nil || record != nil else {
            throw AdminError(
                .notFound, "there is no event \(id.prefix(60))", hint: "its id is what weir-request-id said")
        }
        let corrections = known?.corrections ?? []
        var cost = known?.event.event.cost ?? .zero
        for correction in corrections { cost = cost + correction.event.cost }
        let observed = record?.held?.observed.map { EventRow(event: $0) }
        return EventStory(
            id: id, state: known == nil ? "live" : "ended",
            event: (known?.event ?? observed).map(EventDescription.init),
            corrections: corrections.map(EventDescription.init), costMicros: cost.micros, costUSD: cost.description,
            reservation: record.map(EventReservation.init))
    }
}

extension ReservationRecord {
    /// What is known of it, whatever became of it.
    fileprivate var held: HeldRecord? {
        switch self {
        case .held(let record): record
        case .released(let record), .orphaned(let record): record
        case .settled: nil
        }
    }
}

extension EventReservation {
    fileprivate init(_ record: ReservationRecord) {
        let state =
            switch record {
            case .held: "held"
            case .settled: "settled"
            case .released: "released"
            case .orphaned: "orphaned"
            }
        let held = record.held
        let own = held.map { held in
            held.call.holds.enumerated().map { index, counter in
                EventHold(counter, held.call.units.dropFirst(index).first ?? nil, held.held.dropFirst(index).first)
            }
        }
        let sides = held?.call.sides.map { EventHold($0.counter, $0.unit, nil) }
        self.init(
            state: state, admittedAt: held.map { rfc3339(ms: $0.admittedMs) },
            leaseEndsAt: held.map { rfc3339(ms: $0.leaseEndMs) }, holds: (own ?? []) + (sides ?? []))
    }
}

extension EventHold {
    fileprivate init(_ counter: CounterKey, _ unit: Limit.Unit?, _ held: Int?) {
        // `weir:{07}:budget:<limit>:<subject>…`
        let parts = counter.key.split(separator: ":")
        self.init(
            limit: parts.count > 3 ? String(parts[3]) : nil, unit: unit?.rawValue, held: held, redisKey: counter.key)
    }
}
