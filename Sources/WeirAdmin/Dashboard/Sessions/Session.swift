import WeirCore
import WeirLedger

/// Somebody who has signed in.
struct Session: Sendable {
    /// Who acts, and what they may do.
    var actor: AdminActor
    /// False: nobody has to show a token, so far.
    let hasShownToken: Bool
    /// What every form carries, so that no page but ours can send one.
    let formToken: String
    /// Milliseconds since 1970.
    let createdAtMs: Int
    var seenAtMs: Int

    /// Without a request for so long it is over.
    static let idleMs = 30 * 60_000
    /// Over in any case.
    static let longestMs = 12 * 3_600_000

    func isOver(atMs nowMs: Int) -> Bool { nowMs - seenAtMs >= Self.idleMs || nowMs - createdAtMs >= Self.longestMs }
}
