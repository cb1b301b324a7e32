import Logging
import WeirCore
import WeirLedger
import WeirRedis
import WeirTelemetry

extension Aggregator {
    /// Alerts on their way at once; more are raised when there is room, since what they tell of goes on.
    static let mostPendingAlerts = 1_000
    /// Raised before, as this process remembers; beyond, the ledger is asked again.
    private static let mostKnownAlerts = 100_000
    /// Models that are told of in a day by name: under some policies a client may call any name.
    private static let mostUnpricedModels = 20
    private static let orphanWindowMs = 600_000

    /// Looks how the deployment stands: shows it in the metrics, and raises alerts if this process leads.
    package func survey() async throws(AggregatorError) {
        do throws(AggregatorError) {
            try await surveyRedis()
            redisLostSince = nil
        } catch {
            guard case .redis(let why) = error else { throw error }
            try await redisIsLost("\(why)")
            throw error
        }
    }

    private func surveyRedis() async throws(AggregatorError) {
        let isLeading = isLeading
        let surveyor = Surveyor(
            redis: redis, ledger: ledger, shards: try await joined().readiness.shards, prices: configuration.prices)
        var survey = try await surveyor.survey(isLeading: isLeading)
        if isLeading {
            survey.reservations = try await joined().reaper.live
            do {
                (survey.orphans, survey.events) = try await ledger.callCounts(
                    calledFrom: survey.nowMs - Self.orphanWindowMs)
            } catch { throw AggregatorError(error) }
        }
        survey.calledUnpriced = unpricedToday(nowMs: survey.nowMs)
        survey.show(on: metrics.registry)
        var alerts = configuration.alertRules.due(survey)
        // Who does not lead, or no more, leaves all to the one that does, except what nobody else has read.
        if !(isLeading && self.isLeading) { alerts.removeAll { $0.kind != .unpricedModel } }
        try await raise(alerts, alerts: survey.policy?.alerts)
    }

    /// The unpriced models called today, as this process ingested them.
    private func unpricedToday(nowMs: Int) -> Set<String> {
        let day = UTCDay(containingMs: nowMs).number
        if unpricedDay != day { (unpricedDay, unpricedTold) = (day, []) }
        for model in unpricedSeen.sorted() where !unpricedTold.contains(model) {
            unpricedTold.insert(unpricedTold.count < Self.mostUnpricedModels ? model : AlertRules.otherModels)
        }
        unpricedSeen = []
        return unpricedTold
    }

    /// Without Redis nobody can be shown to lead: every aggregator raises it, and the ledger keeps it once.
    private func redisIsLost(_ why: String) async throws(AggregatorError) {
        let now = ContinuousClock.now
        let since = redisLostSince ?? now
        redisLostSince = since
        guard now - since >= configuration.redisLostAfter else { return }
        let seconds = Int((now - since) / .seconds(1))
        let alerts: Policy.Alerts?
        do { alerts = try await ledger.currentPolicy()?.policy.alerts } catch {
            throw AggregatorError(error)
        }
        let alert = AlertRules.redisLost(forSeconds: seconds, why: why, nowMs: configuration.wallMs())
        try await raise([alert], alerts: alerts)
    }

    private func raise(_ alerts: [Alert], alerts settings: Policy.Alerts?) async throws(AggregatorError) {
        let new = alerts.filter { !knownAlerts.contains($0.key) }
        guard !new.isEmpty else { return }
        let raised: [Alert]
        let counts: [AlertRecord.State: Int]
        do {
            raised = try await ledger.raise(
                new, deliver: settings?.webhook != nil, mostPending: Self.mostPendingAlerts)
            counts = try await ledger.alertCounts()
        } catch { throw AggregatorError(error) }
        for alert in raised {
            logger.warning(
                "alert",
                metadata: ["kind": "\(alert.kind.rawValue)", "subject": "\(alert.subject)", "text": "\(alert.text)"])
        }
        // With the queue full, some may not have been taken, and come again.
        guard counts[.pending] ?? 0 < Self.mostPendingAlerts else { return }
        if knownAlerts.count > Self.mostKnownAlerts { knownAlerts = [] }
        knownAlerts.formUnion(new.map(\.key))
    }

    /// Sends what is due. Returns how many attempts that were.
    package func deliverAlerts() async throws(AggregatorError) -> Int {
        guard isLeading || redisLostSince != nil, let post = configuration.post else { return 0 }
        let delivery = AlertDelivery(
            ledger: ledger, post: post, secret: configuration.alertSecret, firstPause: configuration.alertPause,
            metrics: metrics, logger: logger)
        var attempts = 0
        while attempts < 100, try await delivery.step(nowMs: configuration.nowMs?() ?? configuration.wallMs()) {
            attempts += 1
        }
        return attempts
    }

    // MARK: What is counted on the way

    func count(_ report: Ingester.Report) {
        metrics.ingested(report)
        if unpricedSeen.count < 1_000 { unpricedSeen.formUnion(report.unpricedModels) }
    }

    /// The text format of Prometheus.
    package func metricsText() -> String {
        metrics.registry.set(MetricCatalogue.leading, isLeading ? 1 : 0)
        metrics.registry.set(MetricCatalogue.working, unreadyReason == nil ? 1 : 0)
        redis.pool.show(on: metrics.registry)
        return metrics.registry.exposition()
    }
}
