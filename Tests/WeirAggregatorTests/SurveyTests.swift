import Testing
import WeirCore
import WeirLedger
import WeirRedis
import WeirTelemetry
import WeirTestSupport

@testable import WeirAggregator

@Suite struct SurveyTests {
    @Test func `the metrics say how a deployment stands`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply(credits: 300, warn: 1, kill: 100_000)
            let registry = MetricsRegistry(MetricCatalogue.aggregator)
            let one = deployment.aggregator { configuration in configuration.metrics = registry }
            try await deployment.produce(event("a", cost: 500), event("b", cost: 7))
            #expect(try await one.ingest().ledger.inserted == 2)
            try await one.lead()
            try await deployment.produce(event("c", cost: 1))
            try await deployment.send("HSET", "weir:kill-switch", "team:x", "on")
            // One that lives, and what is none: a budget that has to be there.
            try await deployment.send(
                "HSET", "weir:{00}:reservations", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "4102444800000 x", "weir:{00}:budget:b",
                "1")
            _ = try await one.reap()
            try await one.survey()
            let text = await one.metricsText()
            for line in [
                #"weir_aggregator_events_total{result="inserted"} 2"#, "weir_ingest_lag_events 1",
                "weir_aggregator_leading 1", "weir_reservations 1", #"weir_limited_teams{resource="ai_credits"} 1"#,
                #"weir_kill_switch_thrown{scope="team"} 1"#, #"weir_kill_switch_thrown{scope="global"} 0"#,
                #"weir_spend_today_micros{team="acme"} 507"#, #"weir_overshoot_micros{limit="ai_credits"} 207"#,
                #"weir_overshoot_micros{limit="team-spend"} 0"#, #"weir_alerts{state="dead"} 0"#,
            ] { #expect(text.contains(line + "\n"), "\(line) in\n\(text)") }
            let verdict = try runTool("promtool", ["check", "metrics"], input: text)
            #expect(verdict.code == 0 && verdict.said.isEmpty, "\(verdict.said)")
        }
    }

    @Test func `orphans are a share of all calls, whichever aggregator took them in`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply()
            let (one, two) = (deployment.aggregator("one"), deployment.aggregator("two"))
            #expect(try await one.lead())
            var orphans = (0..<10).map { event("o\($0)", outcome: .orphaned) }
            // Long ago.
            orphans.append(event("old", outcome: .orphaned, atMs: noonMs - 3_600_000))
            _ = try await deployment.ledger.ingest(orphans, deadLetters: [])
            try await deployment.produce((0..<991).map { event("e\($0)") })
            while try await !two.ingest().isEmpty {}
            func alerts() async throws -> [String] {
                try await one.survey()
                return try await deployment.ledger.alerts(state: nil, before: nil, limit: 10)
                    .filter { $0.alert.kind == .orphanRate }.map(\.alert.text)
            }
            #expect(try await alerts() == [], "10 of 1,001")
            _ = try await deployment.ledger.ingest([event("o10", outcome: .orphaned)], deadLetters: [])
            #expect(try await alerts() == ["11 of 1002 calls of the last ten minutes were of nodes that are gone."])
        }
    }

    @Test func `ten thousand teams and models are a few series, and unpriced models are none`() async throws {
        var survey = Survey(nowMs: noonMs)
        survey.teams = (1...10_000).map { UsageRow(name: "t\($0)", totals: .init(cost: MicroUSD(micros: $0))) }
        survey.models = (1...10_000).map { UsageRow(name: "m\($0)", totals: .init(cost: MicroUSD(micros: $0))) }
        survey.pricedModels = ["m1", "m2"]
        let registry = MetricsRegistry(MetricCatalogue.aggregator)
        survey.show(on: registry)
        let text = registry.exposition()
        func lines(_ name: String) -> [Substring] { text.split(separator: "\n").filter { $0.hasPrefix(name + "{") } }
        #expect(lines("weir_spend_today_micros").count == 21)
        #expect(
            lines("weir_model_spend_today_micros") == [
                #"weir_model_spend_today_micros{model="m1"} 1"#, #"weir_model_spend_today_micros{model="m2"} 2"#,
                #"weir_model_spend_today_micros{model="other"} 50004997"#,
            ])
    }
}
