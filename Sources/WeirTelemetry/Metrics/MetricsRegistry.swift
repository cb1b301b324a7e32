import CoreMetrics
import Synchronization

/// A process's metrics: makes the handles of swift-metrics, and writes all of them in the text format of Prometheus.
///
/// Handles are made once and kept by who updates them; making one takes a lock and builds text, updating it does neither.
/// Series are bounded by construction: a family that has ``mostSeries`` of them takes every further set of labels for one
/// whose values are all ``other``, wherever they come from.
package final class MetricsRegistry: MetricsFactory, Sendable {
    /// The value of a label that stands for all that have no room.
    package static let other = "other"
    package let mostSeries: Int

    struct Series {
        let family: MetricFamily
        var counters: [String: CounterCell] = [:]
        var gauges: [String: GaugeCell] = [:]
        var histograms: [String: HistogramCell] = [:]
        /// What was read elsewhere, all of it at once.
        var samples: [(labels: String, value: Int)] = []
        var count: Int { counters.count + gauges.count + histograms.count }
    }

    let state = Mutex<[String: Series]>([:])

    /// - Parameter families: what this process is known to measure, and is described at `/metrics` from the start.
    package init(_ families: [MetricFamily] = [], mostSeries: Int = 2_000) {
        self.mostSeries = mostSeries
        state.withLock { state in
            for family in families { state[family.name] = Series(family: family) }
        }
    }

    // MARK: Of the catalogue

    package func counter(_ family: MetricFamily, _ values: [String] = []) -> Counter {
        Counter(label: family.name, dimensions: Array(zip(family.labels, values)), factory: self)
    }

    package func meter(_ family: MetricFamily, _ values: [String] = []) -> Meter {
        Meter(label: family.name, dimensions: Array(zip(family.labels, values)), factory: self)
    }

    package func timer(_ family: MetricFamily, _ values: [String] = []) -> Timer {
        Timer(label: family.name, dimensions: Array(zip(family.labels, values)), factory: self)
    }

    /// Puts what was read elsewhere in the place of what the family said before. Labels that come twice are summed up.
    package func set(_ family: MetricFamily, _ values: [(labels: [String], value: Int)]) {
        var sums: [String: Int] = [:]
        for (labels, value) in values {
            var text = Exposition.labels(Array(zip(family.labels, labels)))
            if sums[text] == nil, sums.count >= mostSeries { text = otherLabels(family.labels) }
            let (sum, overflow) = (sums[text] ?? 0).addingReportingOverflow(value)
            sums[text] = overflow ? .max : sum
        }
        let samples = sums.map { (labels: $0.key, value: $0.value) }
        state.withLock { $0[family.name, default: Series(family: family)].samples = samples }
    }

    package func set(_ family: MetricFamily, _ value: Int) { set(family, [([], value)]) }

    private func otherLabels(_ names: [String]) -> String {
        Exposition.labels(names.map { ($0, Self.other) })
    }

    // MARK: MetricsFactory

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, .counter, dimensions) { series, labels in
            let cell = series.counters[labels] ?? CounterCell()
            series.counters[labels] = cell
            return cell
        }
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        gauge(label, dimensions)
    }

    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        if aggregate { histogram(label, dimensions) } else { gauge(label, dimensions) }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(label, dimensions)
    }

    // A series that is gone and comes back would count from 0 again, which Prometheus takes for a restart. They are bounded, so
    // they stay.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    private func gauge(_ label: String, _ dimensions: [(String, String)]) -> GaugeCell {
        series(label, .gauge, dimensions) { series, labels in
            let cell = series.gauges[labels] ?? GaugeCell()
            series.gauges[labels] = cell
            return cell
        }
    }

    private func histogram(_ label: String, _ dimensions: [(String, String)]) -> HistogramCell {
        series(label, .histogram, dimensions) { series, labels in
            let cell = series.histograms[labels] ?? HistogramCell(boundsNs: series.family.boundsNs)
            series.histograms[labels] = cell
            return cell
        }
    }

    /// - Parameter label: of the catalogue, or a library's, of which only the name is known.
    private func series<Cell>(
        _ label: String, _ kind: MetricFamily.Kind, _ dimensions: [(String, String)],
        _ body: (inout Series, String) -> sending Cell
    ) -> Cell {
        state.withLock { state in
            let name = state[label] == nil ? Exposition.name(label, kind) : label
            var family = MetricFamily(
                name, kind, "Measured by a library.", labels: dimensions.map(\.0),
                boundsNs: MetricFamily.latencyBoundsNs)
            if let known = state[name]?.family {
                // One name is one type: a second one would spoil the whole page.
                family =
                    known.kind == kind
                    ? known
                    : MetricFamily(
                        name + "_" + kind.rawValue, kind, family.help, labels: family.labels, boundsNs: family.boundsNs)
            }
            var series = state[family.name] ?? Series(family: family)
            var labels = Exposition.labels(dimensions)
            let isKnown =
                series.counters[labels] != nil || series.gauges[labels] != nil || series.histograms[labels] != nil
            if !isKnown, series.count >= mostSeries { labels = otherLabels(dimensions.map(\.0)) }
            let cell = body(&series, labels)
            state[family.name] = series
            return cell
        }
    }
}
