import ArgumentParser
import WeirAdmin

/// `weir alerts test`.
struct AlertsTest: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Sends a test alert to the webhook, the way that every alert goes.",
        discussion: """
            Waits for the first attempt and says what came of it; exit code 1 if it was not delivered.

              weir alerts test
            """)

    /// As long as an attempt may take, and the leader needs to begin it.
    private static let patience: Duration = .seconds(20)

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        var (alert, json) = try await client.send(.post, ["alerts"], as: AlertLine.self)
        let deadline = ContinuousClock.now + Self.patience
        while alert.state == "pending", alert.error == nil, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(200))
            (alert, json) = try await client.send(.get, ["alerts", String(alert.id)], as: AlertLine.self)
        }
        switch alert.state {
        case "sent": return Report(text: "alert \(alert.id) was delivered", json: json)
        case "dead":
            return Report(text: "alert \(alert.id) was refused: \(alert.error ?? "")", json: json, isSuccess: false)
        default:
            let why = alert.error ?? "no attempt yet; does an aggregator lead? (weir status)"
            return Report(text: "alert \(alert.id) is not delivered: \(why)", json: json, isSuccess: false)
        }
    }
}
