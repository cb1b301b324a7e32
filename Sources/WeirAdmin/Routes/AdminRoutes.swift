import Hummingbird
import Logging
import WeirCore
import WeirLedger
import WeirRedis

/// What the routes work with.
struct AdminRoutes: Sendable {
    let configuration: AdminConfiguration
    let ledger: any AdminLedger
    let access: AdminAccess
    let publication: Publication
    /// What ships.
    let prices: PriceHistory
    /// Milliseconds since 1970, for what the ledger records.
    let nowMs: @Sendable () -> Int
    /// Why the process is not ready, beyond ledger and Redis; nil if it is.
    let unreadyReason: @Sendable () async -> String?
    /// The process's, in the text format of Prometheus.
    let metrics: @Sendable () async -> String
    let logger: Logger
    let work = WorkBoard()

    /// All that asks for a role.
    var routes: [AdminRoute] {
        statusRoutes + costRoutes + peopleRoutes + keyRoutes + limitRoutes + explainRoutes + limitedRoutes
            + killSwitchRoutes + usageRoutes + eventRoutes + policyRoutes + priceRoutes + ledgerRoutes + simulateRoutes
            + auditRoutes + adminTokenRoutes + alertRoutes + workRoutes
    }

    func router() -> Router<AdminContext> {
        let router = Router(context: AdminContext.self)
        let all = openRoutes + [metricsRoute] + routes
        router.add(middleware: ErrorMiddleware(routes: all))
        router.add(middleware: SiteMiddleware(names: ListenerNames(configuration)))
        for route in all { router.on(RouterPath(route.fullPath), method: route.method, use: guarded(route)) }
        return router
    }

    /// The line of the audit for a change that this request makes.
    func audit(
        _ context: AdminContext, _ action: String, _ subject: String, before: String? = nil, after: String? = nil,
        reason: String? = nil
    ) -> AuditEntry {
        AuditEntry(
            atMs: nowMs(), actor: context.actor.name, token: context.actor.tokenID, from: context.actor.address,
            action: action, subject: subject, before: before, after: after, reason: reason)
    }

    /// The error of a change that stands in the ledger only.
    func notPublished(_ error: any Error, _ what: String) -> AdminError {
        AdminError(
            .notPublished, "\(what) stands in the ledger and could not be published to Redis: \(error)",
            hint: "the aggregator publishes it again by itself; do not repeat the request")
    }

    /// An id that may become part of a key.
    func valid(_ id: String, _ field: String) throws -> String {
        guard Subject.isValidID(id) else {
            throw AdminError(
                .invalidField, "\"\(id.prefix(60))\" cannot be \(field)", hint: "use 1 to 128 of A-Z a-z 0-9 . _ @ : -")
        }
        return id
    }

    /// When something ends, in unix seconds, of what a request says: a number or a moment as text; nil: neither.
    func end(_ until: Int?, _ untilAt: String?, nowMs: Int) throws -> Int? {
        guard until == nil || untilAt == nil else {
            throw AdminError(.invalidField, "until and until_at are both given", hint: "keep one", field: "until_at")
        }
        var end = until
        if let untilAt {
            guard let ms = moment(untilAt) else {
                throw AdminError(
                    .invalidField, "until_at is not a time", hint: "write it as 2026-11-21T10:48:00Z", field: "until_at"
                )
            }
            end = ms / 1000
        }
        guard let end else { return nil }
        guard end > nowMs / 1000, end < 253_402_300_800 else {
            throw AdminError(
                .invalidField, "until must lie in the future and before the year 10000",
                hint: "unix seconds; it is \(nowMs / 1000) now", field: untilAt == nil ? "until" : "until_at")
        }
        return end
    }

    /// A sentence for people: one line of at most 500 characters.
    func sentence(_ text: String?, _ field: String) throws -> String? {
        guard let text else { return nil }
        guard text.utf8.count <= 500, text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f }) else {
            throw AdminError(.invalidField, "\(field) is not one line of at most 500 bytes", field: field)
        }
        return text
    }

    /// A part of the path, percent-decoded.
    func parameter(_ name: String, _ context: AdminContext) throws -> String {
        guard let text = context.parameters.get(name).flatMap(percentDecoded) else {
            throw AdminError(.invalidRequest, "the path cannot be read")
        }
        return text
    }

    /// The policy in force.
    func policyInForce() async throws -> Policy? { try await ledger.currentPolicy()?.policy }
}
