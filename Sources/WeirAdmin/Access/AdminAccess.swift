import Logging
import WeirCore
import WeirLedger

/// Says who may use the admin API, by the token that is shown: one of the ledger, or the one of the environment.
///
/// The ledger is asked at each request, so a revoked token is refused at once.
package struct AdminAccess: Sendable {
    private let token: TokenDigest?
    private let isLoopback: Bool
    private let ledger: any AdminLedger
    private let nowMs: @Sendable () -> Int
    private let wrongTokens = WrongTokens()
    private let logger: Logger

    /// That a token was used is written down once in so long.
    private static let useResolutionMs = 60_000

    init(
        _ configuration: AdminConfiguration, ledger: any AdminLedger, nowMs: @escaping @Sendable () -> Int,
        logger: Logger
    ) {
        token = configuration.token.map(TokenDigest.init)
        isLoopback = configuration.isLoopback
        self.ledger = ledger
        self.nowMs = nowMs
        self.logger = logger
    }

    /// Who it is that shows `text`.
    /// - Parameter name: who the caller says to be; the audit takes the word of who has the environment's token for it.
    /// - Throws: ``AdminError`` with 401, or 429 after too many wrong tokens from the address; or what the ledger throws.
    package func actor(showing text: String?, calledBy name: String?, at address: String) async throws -> AdminActor {
        guard let text else {
            if try await isOpen() { return AdminActor(name: name ?? "admin", role: .admin, address: address) }
            throw AdminError(
                .unauthorized, "the admin token is missing",
                hint: "send authorization: Bearer TOKEN; the weir command reads WEIR_ADMIN_TOKEN")
        }
        let shown = TokenDigest(text)
        if let id = AdminToken(text)?.id, let known = try await ledger.adminToken(id: id),
            shown.isEqual(toHexadecimal: known.sha256)
        {
            // Also while the address is refused: nobody finds 190 bits by guessing.
            return try await actor(with: known, at: address)
        }
        let origin = IPAddress(address)?.subject ?? address
        if let seconds = wrongTokens.retryAfter(origin, nowMs: nowMs()) { throw tooMany(seconds) }
        if let token {
            if token == shown { return AdminActor(name: name ?? "admin", role: .admin, address: address) }
        } else if try await isOpen() {
            return AdminActor(name: name ?? "admin", role: .admin, address: address)
        }
        if wrongTokens.note(shown.hexadecimal, from: origin, nowMs: nowMs()) {
            logger.warning("too many wrong admin tokens", metadata: ["from": "\(address)"])
            try await ledger.appendAudit(
                AuditEntry(
                    atMs: nowMs(), actor: "nobody", from: address, action: "admin-token.refused", subject: address,
                    reason: "\(WrongTokens.most) wrong admin tokens in a minute"))
        }
        throw AdminError(
            .unauthorized, "the admin token is wrong",
            hint: "weir admin-token list shows which there are; WEIR_ADMIN_TOKEN of the aggregator is one, too")
    }

    /// The same actor, as the ledger knows the token now: a session outlives no token, and no greater role.
    package func renewed(_ actor: AdminActor) async throws -> AdminActor {
        guard let id = actor.tokenID else { return actor }
        guard let known = try await ledger.adminToken(id: id) else {
            throw AdminError(.unauthorized, "the admin token \(id) is not known")
        }
        return try await self.actor(with: known, at: actor.address)
    }

    private func actor(with known: LedgerAdminToken, at address: String) async throws -> AdminActor {
        let now = nowMs()
        guard known.isUsable(atMs: now) else {
            throw AdminError(
                .unauthorized,
                "the admin token \(known.id) \(known.revokedAtMs == nil ? "has ended" : "was revoked")",
                hint: "an admin makes a new one: weir admin-token create")
        }
        if known.lastUsedAtMs.map({ $0 <= now - Self.useResolutionMs }) ?? true {
            do { try await ledger.recordAdminTokenUse(id: known.id, atMs: now) } catch {
                // A full disk must keep nobody from the kill switch.
                logger.warning("cannot record that an admin token was used: \(error)")
            }
        }
        return AdminActor(name: known.name, role: known.role, tokenID: known.id, address: address)
    }

    /// Without any token on this machine alone: whoever reaches the listener may do everything, until the first is made.
    private func isOpen() async throws -> Bool {
        guard token == nil, isLoopback else { return false }
        return try await ledger.adminTokens().isEmpty
    }

    private func tooMany(_ seconds: Int) -> AdminError {
        var error = AdminError(
            .tooManyAttempts, "too many wrong admin tokens from this address", hint: "try again in \(seconds) s")
        error.retryAfterSeconds = seconds
        return error
    }
}
