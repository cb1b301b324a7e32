import Foundation
import Synchronization
import WeirCore
import WeirLedger
import WeirTestSupport

@testable import WeirAggregator

/// A webhook: remembers what it was sent, and answers what a test says.
final class Webhook: Sendable {
    struct Sent: Sendable {
        let url: String
        let body: String
        let headers: [String: String]
    }

    struct Away: Error {}

    private let state = Mutex<(sent: [Sent], answers: [Int?])>(([], []))

    /// The next answers; nil: none comes. When they are used up: 200.
    func answer(_ answers: [Int?]) { state.withLock { $0.answers = answers } }
    var sent: [Sent] { state.withLock { $0.sent } }

    var post: @Sendable ([UInt8], String, [String: String]) async throws -> Int {
        { body, url, headers in
            let answer: Int? = self.state.withLock { state in
                state.sent.append(Sent(url: url, body: String(decoding: body, as: UTF8.self), headers: headers))
                return state.answers.isEmpty ? 200 : state.answers.removeFirst()
            }
            guard let answer else { throw Away() }
            return answer
        }
    }

    /// Of the alerts of a kind that it was sent.
    func subjects(of kind: String) throws -> [String] {
        try sent.compactMap { sent in
            let object = try JSONSerialization.jsonObject(with: Data(sent.body.utf8)) as? [String: Any]
            return object?["kind"] as? String == kind ? object?["subject"] as? String : nil
        }
    }
}

func alertPolicy(
    at: [Int] = [5_000, 8_000, 10_000], webhook: String? = "https://hooks.example/canary-path",
    form: Policy.Alerts.Form? = nil
) -> Policy {
    var policy = testPolicy(credits: 1_000, warn: 2_000, kill: 4_000)
    policy.alerts = Policy.Alerts(at: at, webhook: webhook, form: form)
    return policy
}

extension TestDeployment {
    func apply(_ policy: Policy) async throws {
        _ = try await ledger.appendPolicy(policy, yaml: "", note: "", audit: testAudit)
    }

    func aggregator(
        sendingTo webhook: Webhook, _ name: String = "one", clock: MovableClock,
        adjust: (inout AggregatorConfiguration) -> Void = { _ in }
    ) -> Aggregator {
        aggregator(name, clock: clock) { configuration in
            configuration.post = webhook.post
            configuration.alertSecret = Array("a-secret-canary".utf8)
            adjust(&configuration)
        }
    }
}
