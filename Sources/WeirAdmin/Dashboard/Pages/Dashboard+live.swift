import Hummingbird
import NIOCore
import WeirCore
import WeirLedger
import WeirRedis

extension Dashboard {
    /// One reading of what is live.
    func live(_ counts: inout MinuteCounts) async -> LiveFacts {
        var facts = LiveFacts(nowMs: routes.nowMs())
        do {
            facts.ledger = try await ledgerFacts(&counts, facts.nowMs)
        } catch { facts.problems.append("\(error)") }
        do {
            facts.redis = try await redisFacts()
        } catch { facts.problems.append("Redis gave no answer: \(error)") }
        facts.minutes = counts.minutes
        facts.unreadyReason = await routes.unreadyReason()
        return facts
    }

    private func ledgerFacts(_ counts: inout MinuteCounts, _ nowMs: Int) async throws -> LiveFacts.LedgerFacts {
        let today = UTCDay(containingMs: nowMs)
        let yesterday = UTCDay(number: today.number - 1)
        counts.add(try await ledger.dayCalls(in: DayRange(first: yesterday, last: today)), atMs: nowMs)
        return LiveFacts.LedgerFacts(
            today: try await ledger.costs(in: DayRange(first: today, last: today), top: 0).total,
            guarded: try await routes.guardedSpend(nowMs: nowMs))
    }

    private func redisFacts() async throws -> LiveFacts.RedisFacts {
        let nowMs = try await publication.nowMs()
        var limited = 0
        for resource in try await routes.policyInForce()?.resources ?? [] {
            limited += try await publication.limitedCount(resource: resource, nowMs: nowMs)
        }
        return LiveFacts.RedisFacts(
            status: try await publication.status(),
            killSwitch: try await publication.killSwitch().map {
                KillSwitchState(scope: $0.scope, entry: $0.entry, nowMs: nowMs)
            }.filter(\.thrown),
            limited: limited, gateways: try await publication.gateways(nowMs: nowMs))
    }

    /// Read now: whoever has just changed something must find it changed.
    func presentFacts() async -> LiveFacts {
        var counts = feed.counts
        return await live(&counts)
    }

    // MARK: Server-sent events

    func addLive(to router: Router<AdminContext>) {
        router.get(RouterPath(PageAddress.Page.live.rawValue)) { request, context in
            try await answered(request, context) { visit in
                if let id = visit.query["job"] { return try progress(of: id, visit) }
                guard let stream = feed.listen() else {
                    return Response(status: .serviceUnavailable, headers: pageHeaders)
                }
                return events { writer in
                    for await facts in stream {
                        guard try await goesOn(visit) else { return try await writer.write(Self.event("over", "{}")) }
                        let parts = OverviewParts(facts: facts).all
                        try await writer.write(Self.event("parts", Self.json(parts.map { ($0.id, $0.html.markup) })))
                    }
                }
            }
        }
    }

    private func progress(of id: String, _ visit: Visit) throws -> Response {
        guard let job = jobs.job(id, of: visit.session.actor) else {
            throw AdminError(.notFound, "there is no such work")
        }
        return events { writer in
            while case .running(let progress) = job.state, try await goesOn(visit) {
                var json = JSONWriter()
                json.beginObject()
                json.member("done", progress.done)
                json.member("total", progress.total)
                json.member("text", progress.text)
                json.endObject()
                try await writer.write(Self.event("progress", String(decoding: json.bytes, as: UTF8.self)))
                try await Task.sleep(for: .milliseconds(500))
            }
            try await writer.write(Self.event("end", "{}"))
        }
    }

    /// Listening is no use of a session: one that nobody uses otherwise ends, and its listeners with it.
    private func goesOn(_ visit: Visit) async throws -> Bool {
        if let id = visit.request.cookies[Self.cookieName(visit.request)]?.value,
            !sessions.isOpen(id, atMs: routes.nowMs())
        {
            return false
        }
        return try await actor(of: visit.session) != nil
    }

    /// A stream of events. What passes it on is told not to hold it back.
    private func events(
        _ write: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void
    ) -> Response {
        var headers = pageHeaders
        headers[.contentType] = "text/event-stream; charset=utf-8"
        headers[.cacheControl] = "no-store, no-transform"
        if let name = HTTPFields.Element.Name("x-accel-buffering") { headers[name] = "no" }
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                try await write(&writer)
                try await writer.finish(nil)
            })
    }

    private static func event(_ name: StaticString, _ data: String) -> ByteBuffer {
        // JSON has no line ends.
        ByteBuffer(string: "event: \(name)\ndata: \(data)\n\n")
    }

    private static func json(_ members: [(String, String)]) -> String {
        var json = JSONWriter(capacity: 16_384)
        json.beginObject()
        for (name, text) in members {
            json.key(text: name)
            json.string(text)
        }
        json.endObject()
        return String(decoding: json.bytes, as: UTF8.self)
    }
}
