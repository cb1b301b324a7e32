import Hummingbird
import WeirCore
import WeirEnforcer
import WeirLedger

extension AdminRoutes {
    var simulateRoutes: [AdminRoute] {
        [
            .post("simulate", role: .viewer) { request, _ in try await simulate(request) }
        ]
    }

    /// The body is a policy, as for ``addPolicy(to:)``; nothing of it is applied.
    private func simulate(_ request: Request) async throws -> Response {
        let values = try query(request, known: ["days", "team", "name"])
        guard let count = Int(values["days"] ?? "30"), (1...366).contains(count) else {
            throw AdminError(.invalidField, "days must be from 1 to 366", hint: "days=30")
        }
        let team = try values["team"].map { try valid($0, "a team") }
        let (policy, _) = try await read(request, name: values["name"])
        let now = nowMs()
        let today = UTCDay(containingMs: now)
        let replay = LedgerReplay(
            ledger: ledger, policy: policy, prices: try await pricesToday(),
            days: DayRange(first: UTCDay(number: today.number - count + 1), last: today), team: team, nowMs: now)
        do {
            return try answer(SimulationAnswer(replay, try await replay.run()))
        } catch let error as EnforcerError {
            switch error {
            case .outage(let reason), .degraded(let reason), .misconfigured(let reason):
                throw AdminError(.invalidField, "no gateway could obey this policy: \(reason)")
            }
        }
    }
}
