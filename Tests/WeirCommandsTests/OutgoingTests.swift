import CoreMetrics
import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Tracing
import WeirTelemetry
import WeirTestSupport

@testable import WeirCommands

/// A server that remembers what it is sent and answers each request alike.
private final class Receiver: Sendable {
    private final class Connection: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let owner: Receiver
        private var text = ""

        init(_ owner: Receiver) { self.owner = owner }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            text += String(buffer: unwrapInboundIn(data))
            guard let end = text.range(of: "\r\n\r\n") else { return }
            let length = text.lowercased().firstMatch(of: /content-length: (\d+)/).flatMap { Int($0.output.1) } ?? 0
            guard text[end.upperBound...].utf8.count >= length else { return }
            owner.requests.withLock { $0.append(text) }
            text = ""
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: owner.answer)), promise: nil)
        }
    }

    let requests = Mutex<[String]>([])
    let answer: String
    private let channel = Mutex<(any Channel)?>(nil)

    /// - Parameter status: status line and further fields.
    init(_ status: String) { answer = "HTTP/1.1 \(status)\r\ncontent-length: 0\r\n\r\n" }

    /// Its address.
    func start() async throws -> String {
        let made = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Connection(self))
                }
            }.bind(host: "127.0.0.1", port: 0).get()
        channel.withLock { $0 = made }
        return "http://127.0.0.1:\(made.localAddress?.port ?? 0)"
    }

    func stop() async throws { try await channel.withLock { $0 }?.close().get() }
}

@Suite struct OutgoingTests {
    @Test func `spans reach a collector over HTTP, and what it refuses is dropped and counted`() async throws {
        for (status, result) in [
            ("200 OK", "exported"), ("503 Busy", "dropped"), ("302 Found\r\nlocation: /x", "dropped"),
        ] {
            let receiver = Receiver(status)
            let endpoint = try OTLPEndpoint(try await receiver.start() + "/")
            let metrics = MetricsRegistry()
            let exporter = endpoint.exporter(service: "weir.test", metrics, .silent)
            let tracer = OTLPTracer(exporter)
            let exporting = Task { await exporter.run() }
            for _ in 0..<3 { tracer.startSpan("piece", context: .topLevel).end() }
            try await eventually("the spans are counted") {
                metrics.exposition().contains("weir_trace_spans_total{result=\"\(result)\"} 3\n")
            }
            exporting.cancel()
            await exporting.value
            let requests = receiver.requests.withLock { $0 }
            #expect(!requests.isEmpty && requests.allSatisfy { $0.hasPrefix("POST /v1/traces HTTP/1.1\r\n") })
            let first = try #require(requests.first)
            #expect(first.lowercased().contains("content-type: application/json"))
            #expect(first.contains(#""stringValue":"weir.test""#) && first.contains(#""name":"piece""#))
            try await receiver.stop()
        }
    }

    @Test func `a redirection is not followed, wherever it leads`() async throws {
        let inside = Receiver("200 OK")
        let target = try await inside.start()
        let hook = Receiver("307 Temporary Redirect\r\nlocation: \(target)/internal")
        let url = try await hook.start()
        #expect(try await OutgoingPost.send(Array("{}".utf8), to: url, headers: ["weir-signature": "s"]) == 307)
        #expect(hook.requests.withLock { $0.first?.contains("weir-signature: s") } == true)
        #expect(inside.requests.withLock { $0.isEmpty })
        try await hook.stop()
        try await inside.stop()
    }

    @Test func `spans that have no room are dropped and counted, and nobody waits`() {
        let metrics = MetricsRegistry()
        let exporter = SpanExporter(service: "s", metrics: metrics, logger: .silent, mostWaiting: 10) { _ in }
        let tracer = OTLPTracer(exporter)
        for _ in 0..<25 { tracer.startSpan("piece", context: .topLevel).end() }
        #expect(metrics.exposition().contains("weir_trace_spans_total{result=\"dropped\"} 15\n"))
    }

    @Test(arguments: ["ftp://h", "h:4318", "http://", "http://u@h", "http://h?x", "http://h#x"])
    func `an address that is none is refused`(text: String) {
        #expect(throws: SettingError.self) { try OTLPEndpoint(text) }
    }
}
