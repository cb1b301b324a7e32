import AsyncHTTPClient
import Foundation
import Logging
import NIOHTTP1
import Synchronization
import Testing
import WeirCore
import WeirSimulator
import WeirTelemetry
import WeirTestSupport

@testable import WeirGateway

/// A collector: takes what is exported.
private final class Collector: Sendable {
    struct Span {
        let name, trace, id: String
        let parent: String?
        let attributes: [String: String]
        let hasFailed: Bool
        let ns: ClosedRange<Int>
    }

    private let bodies = Mutex<[[UInt8]]>([])
    func take(_ body: [UInt8]) { bodies.withLock { $0.append(body) } }

    func spans() throws -> [Span] {
        typealias Object = [String: Any]
        return try bodies.withLock { $0 }.flatMap { body -> [Span] in
            let object = try #require(try JSONSerialization.jsonObject(with: Data(body)) as? Object)
            let resources = try #require(object["resourceSpans"] as? [Object])
            let scopes = try resources.flatMap { try #require($0["scopeSpans"] as? [Object]) }
            return try scopes.flatMap { try #require($0["spans"] as? [Object]) }.map { span in
                let pairs = try #require(span["attributes"] as? [Object]).map {
                    ($0["key"] as? String ?? "", ($0["value"] as? Object)?["stringValue"] as? String ?? "")
                }
                let times = try ["startTimeUnixNano", "endTimeUnixNano"].map { name in
                    try #require((span[name] as? String).flatMap { Int($0) })
                }
                return Span(
                    name: try #require(span["name"] as? String), trace: try #require(span["traceId"] as? String),
                    id: try #require(span["spanId"] as? String), parent: span["parentSpanId"] as? String,
                    attributes: Dictionary(pairs) { $1 },
                    hasFailed: (span["status"] as? Object)?["code"] as? Int == 2, ns: times[0]...times[1])
            }
        }
    }
}

@Suite struct TraceTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let parent = "00f067aa0ba902b7"

    private func traced(_ body: (TestBed, Collector) async throws -> Void) async throws {
        let collector = Collector()
        let exporter = SpanExporter(
            service: "weir.gateway", metrics: MetricsRegistry(), logger: .silent, interval: .milliseconds(5),
            send: { collector.take($0) })
        let exporting = Task { await exporter.run() }
        try await withGateway(tracer: OTLPTracer(exporter)) { try await body($0, collector) }
        exporting.cancel()
        await exporting.value
    }

    private func received(_ bed: TestBed, _ name: String) -> [String] {
        bed.simulator.log().last?.requestHeaders?.filter { $0.name.lowercased() == name }.map(\.value) ?? []
    }

    @Test func `a caller's trace is continued, forwarded, and its spans are told`() async throws {
        try await traced { bed, collector in
            let header = "00-\(Self.trace)-\(Self.parent)-01"
            _ = try await bed.send(bed.request(headers: ["traceparent": header, "tracestate": "a=b"]))
            try await eventually("four spans are told") { try collector.spans().count == 4 }
            let spans = try collector.spans()
            let call = try #require(spans.first { $0.name == "call" })
            #expect(call.parent == Self.parent && call.attributes["weir.outcome"] == "completed")
            #expect(spans.allSatisfy { $0.trace == Self.trace && !$0.hasFailed })
            for name in ["admit", "upstream", "settle"] {
                let span = try #require(spans.first { $0.name == name })
                #expect(span.parent == call.id && call.ns.contains(span.ns.lowerBound), "\(name)")
            }
            let upstream = try #require(spans.first { $0.name == "upstream" })
            #expect(upstream.attributes["http.response.status_code"] == "200")
            #expect(received(bed, "traceparent") == ["00-\(Self.trace)-\(upstream.id)-01"])
            #expect(received(bed, "tracestate") == ["a=b"])
        }
    }

    @Test(arguments: ["", "00-x", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"])
    func `without a readable parent a trace begins here, and its old state ends`(header: String) async throws {
        try await traced { bed, collector in
            _ = try await bed.send(
                bed.request(
                    simulate: "status=500",
                    headers: header.isEmpty ? [:] : ["traceparent": header, "tracestate": "a=b"]))
            try await eventually("four spans are told") { try collector.spans().count == 4 }
            let spans = try collector.spans()
            let call = try #require(spans.first { $0.name == "call" })
            let upstream = try #require(spans.first { $0.name == "upstream" })
            #expect(call.parent == nil && upstream.hasFailed && Set(spans.map(\.trace)).count == 1)
            #expect(received(bed, "traceparent") == ["00-\(call.trace)-\(upstream.id)-01"])
            #expect(header.isEmpty || received(bed, "tracestate").isEmpty)
        }
    }

    @Test func `a call that is not sampled, and every call without a collector, is forwarded as it came`() async throws
    {
        let header = "00-\(Self.trace)-\(Self.parent)-00"
        try await traced { bed, collector in
            _ = try await bed.send(bed.request(headers: ["traceparent": header]))
            #expect(received(bed, "traceparent") == [header])
            #expect(try collector.spans().isEmpty)
        }
        try await withGateway { bed in
            _ = try await bed.send(bed.request(headers: ["traceparent": header]))
            #expect(received(bed, "traceparent") == [header])
        }
    }
}
