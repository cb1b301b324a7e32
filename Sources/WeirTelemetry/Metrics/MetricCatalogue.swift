/// Every metric that Weir's processes show. docs/metrics.md is held against it by a test.
package enum MetricCatalogue {
    package static let gateway = edge + redis + traces
    package static let aggregator = survey + work + redis
    package static let simulator = [simulatedCalls, simulatedStreams, simulatedTokens]

    // MARK: Gateway

    package static let decisions = MetricFamily(
        "weir_gateway_decisions_total", .counter,
        "Requests decided, by product, class, outcome (admitted, denied) and reason (none, blind, or why it was denied).",
        labels: ["product", "class", "outcome", "reason"])
    package static let calls = MetricFamily(
        "weir_gateway_calls_total", .counter, "Admitted calls that are over, by how they ended.",
        labels: ["product", "class", "outcome"])
    package static let apiRequests = MetricFamily(
        "weir_gateway_api_requests_total", .counter, "Requests of the decision API that were not denied.")
    package static let abandoned = MetricFamily(
        "weir_gateway_abandoned_total", .counter, "Requests whose client left before a decision.")
    package static let decisionSeconds = MetricFamily(
        "weir_gateway_decision_seconds", .histogram,
        "Time that an admission took: gate, limits, and Redis's answer.", boundsNs: MetricFamily.latencyBoundsNs)
    package static let inFlight = MetricFamily("weir_gateway_in_flight", .gauge, "Exchanges that are not over.")
    package static let connections = MetricFamily("weir_gateway_connections", .gauge, "Connections of clients.")
    package static let reservations = MetricFamily(
        "weir_gateway_reservations", .gauge, "Calls through this node that hold a reservation now.")
    package static let unsettled = MetricFamily(
        "weir_gateway_unsettled", .gauge, "Settlements and releases that Redis has not confirmed yet.")
    package static let unpricedCalls = MetricFamily(
        "weir_gateway_unpriced_calls_total", .counter, "Admitted calls of models without a price of their own.")
    package static let ready = MetricFamily("weir_gateway_ready", .gauge, "1 while the node may serve.")
    package static let outageState = MetricFamily(
        "weir_gateway_outage_state", .gauge, "1 for the state the node is in under an outage policy.",
        labels: ["product", "state"])
    package static let blindCalls = MetricFamily(
        "weir_gateway_blind_calls_total", .counter, "Calls admitted without an answer of Redis.", labels: ["product"])
    package static let blindSpend = MetricFamily(
        "weir_gateway_blind_spend_micros_total", .counter, "Micro-dollars that they cost, once they have ended.",
        labels: ["product"])
    package static let blindAllowance = MetricFamily(
        "weir_gateway_blind_allowance_micros", .gauge, "Micro-dollars that may still be spent without Redis.",
        labels: ["product"])
    package static let blindOpen = MetricFamily(
        "weir_gateway_blind_open_seconds", .gauge, "Seconds for which calls may still be admitted without Redis.",
        labels: ["product"])
    package static let outboxRows = MetricFamily(
        "weir_gateway_outbox_rows", .gauge, "Settlements that the ledger is not known to have.")
    package static let outboxBytes = MetricFamily("weir_gateway_outbox_bytes", .gauge, "What they take.")
    package static let outboxLimit = MetricFamily(
        "weir_gateway_outbox_limit_bytes", .gauge, "What they may take; then nothing new is admitted.")
    package static let outboxOldest = MetricFamily(
        "weir_gateway_outbox_oldest_seconds", .gauge, "Age of the oldest.")
    package static let outboxFailing = MetricFamily(
        "weir_gateway_outbox_failing", .gauge, "1 while the outbox is full or cannot be written.")

    static let edge = [
        decisions, calls, apiRequests, abandoned, decisionSeconds, inFlight, connections, reservations, unsettled,
        unpricedCalls, ready, outageState, blindCalls, blindSpend, blindAllowance, blindOpen, outboxRows, outboxBytes,
        outboxLimit, outboxOldest, outboxFailing,
    ]

    // MARK: Both

    package static let redisSeconds = MetricFamily(
        "weir_redis_round_trip_seconds", .histogram, "Time from sending a command to its reply.",
        boundsNs: MetricFamily.latencyBoundsNs)
    package static let redisErrors = MetricFamily(
        "weir_redis_errors_total", .counter, "Commands without a good reply, by kind.", labels: ["kind"])
    package static let redisBreakers = MetricFamily(
        "weir_redis_breakers_open", .gauge, "Connections whose breaker is open: Redis does not answer in time there.")
    package static let redisTrips = MetricFamily(
        "weir_redis_breaker_trips_total", .counter, "How often a breaker opened.")
    package static let redisConnections = MetricFamily(
        "weir_redis_connections", .gauge, "Connections to Redis by state.", labels: ["state"])

    static let redis = [redisSeconds, redisErrors, redisBreakers, redisTrips, redisConnections]

    package static let spans = MetricFamily(
        "weir_trace_spans_total", .counter, "Spans by what became of them: exported, or dropped.", labels: ["result"])

    static let traces = [spans]

    // MARK: Simulator

    package static let simulatedCalls = MetricFamily(
        "weir_simulator_calls_total", .counter,
        "Calls that reached the simulator and are over, by endpoint, provider and how they ended.",
        labels: ["endpoint", "provider", "outcome"])
    package static let simulatedStreams = MetricFamily(
        "weir_simulator_open_streams", .gauge, "Streams whose client is still there and has not got all of it.")
    package static let simulatedTokens = MetricFamily(
        "weir_simulator_tokens_total", .counter,
        "LLM tokens of calls that are over, as a provider would bill them, by kind: input, cache_read, cache_write_5m, cache_write_1h, output.",
        labels: ["provider", "kind"])

    // MARK: Aggregator

    package static let leading = MetricFamily("weir_aggregator_leading", .gauge, "1 while this process leads.")
    package static let working = MetricFamily(
        "weir_aggregator_ready", .gauge, "1 while it ingests and, if it leads, evaluates.")
    package static let events = MetricFamily(
        "weir_aggregator_events_total", .counter,
        "Usage events read from the streams, by what became of them: inserted, replaced, duplicate, dead_letter, lost.",
        labels: ["result"])
    package static let unpricedEvents = MetricFamily(
        "weir_aggregator_unpriced_events_total", .counter, "Usage events of models without a price of their own.")
    package static let orphans = MetricFamily(
        "weir_aggregator_orphans_total", .counter, "Calls of dead nodes that this process settled.")
    package static let alerts = MetricFamily(
        "weir_aggregator_alert_deliveries_total", .counter,
        "Attempts to deliver an alert, by result: sent, failed (comes again), dead.", labels: ["result"])

    static let work = [leading, working, events, unpricedEvents, orphans, alerts]

    package static let ingestWaiting = MetricFamily(
        "weir_ingest_lag_events", .gauge, "Usage events in Redis that the ledger does not have yet.")
    package static let ingestOldest = MetricFamily(
        "weir_ingest_lag_seconds", .gauge, "Age of the oldest of them.")
    package static let heldReservations = MetricFamily(
        "weir_reservations", .gauge,
        "Reservations of calls that live, as the leader last counted them; 0 where another aggregator leads.")
    package static let overshoot = MetricFamily(
        "weir_overshoot_micros", .gauge,
        "Micro-dollars spent above a limit of unit usd in its current period, all subjects together.",
        labels: ["limit"])
    package static let spendByTeam = MetricFamily(
        "weir_spend_today_micros", .gauge,
        "Micro-dollars spent since 00:00 UTC by team: the twenty that spend most, and other.", labels: ["team"])
    package static let spendByModel = MetricFamily(
        "weir_model_spend_today_micros", .gauge,
        "Micro-dollars spent since 00:00 UTC by model: the thirty priced ones that cost most, and other.",
        labels: ["model"])
    package static let limitedTeams = MetricFamily(
        "weir_limited_teams", .gauge, "Teams that may not spend a resource now.", labels: ["resource"])
    package static let killSwitch = MetricFamily(
        "weir_kill_switch_thrown", .gauge, "Scopes that the kill switch stops now, by kind.", labels: ["scope"])
    package static let unpricedModels = MetricFamily(
        "weir_unpriced_models", .gauge, "Models that the policy names and that have no price.")
    package static let pendingAlerts = MetricFamily(
        "weir_alerts", .gauge, "Alerts in the ledger that are not delivered: pending, dead.", labels: ["state"])

    static let survey = [
        ingestWaiting, ingestOldest, heldReservations, overshoot, spendByTeam, spendByModel, limitedTeams, killSwitch,
        unpricedModels, pendingAlerts,
    ]
}
