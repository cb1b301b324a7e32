import Hummingbird
import WeirCore
import WeirEnforcer
import WeirLedger

extension AdminRoutes {
    var simulateRoutes: [AdminRoute] {
        [
            .on(
                .post, "simulate", role: .viewer, "The ledger's calls under a proposed policy; nothing is applied",
                [
                    .init("days", .integer(1...366), "So many days, with today (30)."),
                    .init("team", .id, "Only this team's calls."),
                    .init("name", .text, "The file's name, for error messages."), Self.workParameter,
                ], body: .policy, answer: SimulationAnswer.self
            ) { request, context in try await simulate(request, context) }
        ]
    }

    /// The body is a policy, as for ``addPolicy(to:)``; nothing of it is applied.
    private func simulate(_ request: Request, _ context: AdminContext) async throws -> Response {
        let values = context.query
        let count = values["days"].flatMap { Int($0) } ?? 30
        let team = values["team"]
        let (policy, _) = try await read(request, name: values["name"])
        let now = nowMs()
        let today = UTCDay(containingMs: now)
        let replay = LedgerReplay(
            ledger: ledger, policy: policy, prices: try await pricesToday(),
            days: DayRange(first: UTCDay(number: today.number - count + 1), last: today), team: team, nowMs: now)
        do {
            return try await work.showing(values["work"]) { progress in
                try answer(SimulationAnswer(replay, try await replay.run(progress: progress)))
            }
        } catch let error as EnforcerError {
            switch error {
            case .outage(let reason), .degraded(let reason), .misconfigured(let reason):
                throw AdminError(.invalidField, "no gateway could obey this policy: \(reason)")
            }
        }
    }
}
