import Logging
import WeirCore
import WeirLedger

/// Sends the alerts that the ledger holds, one after the other: whoever claims one sends it, all others leave it alone. A
/// sender that dies half-way leaves a claim that ends, and the alert is sent again, with the same id.
struct AlertDelivery: Sendable {
    /// POSTs JSON, and returns the status of the answer.
    typealias Post =
        @Sendable (_ body: [UInt8], _ url: String, _ headers: [String: String]) async throws -> Int

    let ledger: any LedgerStore
    let post: Post
    let secret: [UInt8]?
    let firstPause: Duration
    let metrics: AggregatorMetrics
    let logger: Logger

    /// Longer than an attempt may take.
    static let claimMs = 60_000
    /// After so many it is dead: by then five hours have passed.
    static let mostAttempts = 12
    private static let longestPauseMs = 3_600_000

    /// Sends one alert that is due. False: there is none.
    func step(nowMs: Int) async throws(AggregatorError) -> Bool {
        let alerts: Policy.Alerts
        let record: AlertRecord
        do {
            guard let claimed = try await ledger.claimAlert(nowMs: nowMs, forMs: Self.claimMs) else { return false }
            record = claimed
            alerts = try await ledger.currentPolicy()?.policy.alerts ?? Policy.Alerts()
        } catch { throw AggregatorError(error) }
        let outcome = await attempt(record, alerts, nowMs: nowMs)
        let (state, error, pauseMs) = verdict(outcome, after: record.attempts)
        metrics.attempted(state)
        say(state, record, error)
        do { try await ledger.endAttempt(record, as: state, nextAtMs: nowMs + pauseMs, error: error) } catch {
            throw AggregatorError(error)
        }
        return true
    }

    private enum Outcome {
        case status(Int)
        case noWebhook
        /// In words that do not repeat the address, which may hold a secret.
        case failed(String)
    }

    private func attempt(_ record: AlertRecord, _ alerts: Policy.Alerts, nowMs: Int) async -> Outcome {
        guard let url = alerts.webhook else { return .noWebhook }
        let message = AlertMessage(record, form: alerts.formInForce, secret: secret, nowMs: nowMs)
        do {
            return .status(try await post(message.body, url, message.headers))
        } catch {
            return .failed("no answer (\(type(of: error)))")
        }
    }

    /// What the attempt leaves it in, why, and when it is tried again.
    private func verdict(_ outcome: Outcome, after attempts: Int) -> (AlertRecord.State, String?, pauseMs: Int) {
        let why: String
        switch outcome {
        case .status(200..<300): return (.sent, nil, 0)
        case .noWebhook: return (.dead, "the policy names no webhook any more", 0)
        // A redirection is not followed: the address is the operator's to choose, not the receiver's.
        case .status(let status) where (300..<500).contains(status) && ![408, 425, 429].contains(status):
            return (.dead, "the webhook answered \(status)", 0)
        case .status(let status): why = "the webhook answered \(status)"
        case .failed(let text): why = text
        }
        guard attempts < Self.mostAttempts else { return (.dead, why, 0) }
        return (.pending, why, pauseMs(after: attempts))
    }

    /// Doubles each time, and lies anywhere in the upper half of it, so that many do not come back at once.
    func pauseMs(after attempts: Int) -> Int {
        let first = Int(firstPause / .milliseconds(1))
        let whole = min(first.multipliedSaturated(by: 1 << min(max(attempts - 1, 0), 30)), Self.longestPauseMs)
        return whole / 2 + Int.random(in: 0...max(whole / 2, 1))
    }

    private func say(_ state: AlertRecord.State, _ record: AlertRecord, _ error: String?) {
        let metadata: Logger.Metadata = [
            "id": "\(record.id)", "kind": "\(record.alert.kind.rawValue)", "attempt": "\(record.attempts)",
            "error": "\(error ?? "-")",
        ]
        switch state {
        case .sent: logger.info("alert sent", metadata: metadata)
        case .dead: logger.error("alert given up", metadata: metadata)
        case .pending, .recorded: logger.warning("alert not delivered yet", metadata: metadata)
        }
    }
}
