import Foundation
import WeirAdmin
import WeirCore

/// What the admin API said at one moment: what ``TopView`` is made of.
struct TopSample: Sendable {
    /// Milliseconds since 1970, and when it was taken by a clock that never steps.
    var atMs: Int
    var taken: ContinuousClock.Instant
    var status: StatusAnswer
    /// Today's, by team.
    var usage: UsageAnswer
    var denials: DenialList
    var limited: WeirAdmin.LimitedList
    var killSwitch: KillSwitchList

    static func take(_ client: AdminClient) async throws -> TopSample {
        let atMs = Int(Date().timeIntervalSince1970 * 1000)
        let today = UTCDay(containingMs: atMs).id
        let span: [(String, String?)] = [("from", today), ("to", today)]
        async let status = client.send(.get, ["status"], as: StatusAnswer.self).message
        async let usage = client.send(.get, ["usage"], query: span + [("by", "team")], as: UsageAnswer.self).message
        async let denials = client.send(.get, ["denials"], query: span, as: DenialList.self).message
        async let limited = client.send(.get, ["limited"], as: WeirAdmin.LimitedList.self).message
        async let killSwitch = client.send(.get, ["kill-switch"], as: KillSwitchList.self).message
        return try await TopSample(
            atMs: atMs, taken: .now, status: status, usage: usage, denials: denials, limited: limited,
            killSwitch: killSwitch)
    }
}
