import CoreMetrics
import Foundation
import Testing
import WeirTestSupport

@testable import WeirTelemetry

@Suite struct MetricsRegistryTests {
    private static let calls = MetricFamily("test_calls_total", .counter, "Calls.\\Two\nlines.", labels: ["team"])
    private static let level = MetricFamily("test_level", .gauge, "A level.")
    private static let wait = MetricFamily(
        "test_wait_seconds", .histogram, "A wait.", labels: ["kind"], boundsNs: [1_000_000, 2_500_000_000])

    @Test func `counters, gauges and histograms are written as Prometheus reads them`() throws {
        let registry = MetricsRegistry([Self.calls, Self.level, Self.wait])
        registry.counter(Self.calls, ["a\\b\"c\nd"]).increment(by: 3)
        registry.counter(Self.calls, ["acme"]).increment()
        let level = registry.meter(Self.level)
        level.increment(by: 2.5)
        level.decrement(by: 1)
        let wait = registry.timer(Self.wait, ["x"])
        for ns in [0, 1_000_000, 1_000_001, 3_000_000_000] { wait.recordNanoseconds(Int64(ns)) }
        #expect(
            registry.exposition() == #"""
                # HELP test_calls_total Calls.\\Two\nlines.
                # TYPE test_calls_total counter
                test_calls_total{team="a\\b\"c\nd"} 3
                test_calls_total{team="acme"} 1
                # HELP test_level A level.
                # TYPE test_level gauge
                test_level 1.5
                # HELP test_wait_seconds A wait.
                # TYPE test_wait_seconds histogram
                test_wait_seconds_bucket{kind="x",le="0.001"} 2
                test_wait_seconds_bucket{kind="x",le="2.5"} 3
                test_wait_seconds_bucket{kind="x",le="+Inf"} 4
                test_wait_seconds_sum{kind="x"} 3.002000001
                test_wait_seconds_count{kind="x"} 4

                """#)
        let verdict = try runTool("promtool", ["check", "metrics"], input: registry.exposition())
        #expect(verdict.code == 0 && verdict.said.isEmpty, "\(verdict.said)")
    }

    @Test func `the catalogue passes Prometheus's linter, and names are unique`() throws {
        for families in [MetricCatalogue.gateway, MetricCatalogue.aggregator] {
            #expect(Set(families.map(\.name)).count == families.count)
            let registry = MetricsRegistry(families)
            for family in families {
                let values = family.labels.map { _ in "x" }
                switch family.kind {
                case .counter: registry.counter(family, values).increment()
                case .gauge: registry.set(family, [(values, 1)])
                case .histogram: registry.timer(family, values).recordNanoseconds(1)
                }
            }
            let verdict = try runTool("promtool", ["check", "metrics"], input: registry.exposition())
            #expect(verdict.code == 0 && verdict.said.isEmpty, "\(verdict.said)")
        }
    }

    @Test func `the same labels are the same series, whoever makes the handle`() {
        let registry = MetricsRegistry([Self.calls])
        registry.counter(Self.calls, ["acme"]).increment()
        registry.counter(Self.calls, ["acme"]).increment()
        #expect(registry.exposition().contains("test_calls_total{team=\"acme\"} 2\n"))
    }

    @Test func `a family holds so many series and no more, however many labels come`() {
        let registry = MetricsRegistry([Self.calls, Self.level], mostSeries: 10)
        for number in 0..<100_000 { registry.counter(Self.calls, ["team\(number)"]).increment() }
        let lines = registry.exposition().split(separator: "\n").filter { $0.hasPrefix("test_calls_total{") }
        #expect(lines.count == 11)
        #expect(lines.contains("test_calls_total{team=\"other\"} 99990"))
        registry.set(Self.calls, (0..<50).map { (["t\($0)"], 1) })
        #expect(registry.exposition().contains("test_calls_total{team=\"other\"} 40\n"))
    }

    @Test func `what libraries measure gets a legal name, and no second type for a name`() throws {
        let registry = MetricsRegistry([Self.level])
        Counter(label: "some.library/requests-9", dimensions: [("the label", "v")], factory: registry).increment()
        Counter(label: "test_level", factory: registry).increment()
        Recorder(label: "9sizes", aggregate: true, factory: registry).record(7)
        Gauge(label: "temperature", factory: registry).record(Double.nan)
        let text = registry.exposition()
        #expect(text.contains("some_library_requests_9_total{the_label=\"v\"} 1\n"))
        #expect(text.contains("# TYPE test_level_counter counter\ntest_level_counter 1\n"))
        #expect(text.contains("_sizes_count 1\n") && text.contains("temperature NaN\n"))
        for line in text.split(separator: "\n") where line.hasPrefix("# TYPE ") {
            #expect(text.components(separatedBy: line + "\n").count == 2, "\(line) stands once")
        }
    }

    @Test func `many threads lose no count`() async {
        let registry = MetricsRegistry([Self.calls, Self.wait, Self.level])
        let (counter, timer) = (registry.counter(Self.calls, ["a"]), registry.timer(Self.wait, ["a"]))
        let level = registry.meter(Self.level)
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<10_000 {
                        counter.increment()
                        timer.recordNanoseconds(5)
                        level.increment(by: 1)
                    }
                }
            }
        }
        let text = registry.exposition()
        #expect(text.contains("test_calls_total{team=\"a\"} 80000\n"))
        #expect(text.contains("test_wait_seconds_count{kind=\"a\"} 80000\n") && text.contains("test_level 80000\n"))
    }

    @Test func `of many names the largest are kept, and the rest is other`() {
        let values = (1...1000).map { (name: "t\($0)", value: $0) }
        let kept = TopLabels.most(2, of: values)
        #expect(kept.map(\.labels) == [["t1000"], ["t999"], ["other"]])
        #expect(kept.map(\.value).reduce(0, +) == 500_500)
        #expect(TopLabels.most(2, of: values, isNamed: { $0 == "t5" }).map(\.labels) == [["t5"], ["other"]])
        #expect(TopLabels.most(3, of: []).isEmpty)
    }
}
