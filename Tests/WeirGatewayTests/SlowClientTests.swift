import AsyncHTTPClient
import NIOCore
import NIOPosix
import Synchronization
import Testing
import WeirCore
import WeirSimulator
import WeirTestSupport

@testable import WeirGateway

/// Many clients at once that read slowly, or leave; and a provider that sends too much.
@Suite struct SlowClientTests {
    private func call(_ simulate: String) -> String {
        let body =
            #"{"model":"claude-sonnet-4-5-20250929","max_tokens":1000,"stream":true,"#
            + #""messages":[{"role":"user","content":"hi"}]}"#
        return "POST /v1/messages HTTP/1.1\r\nHost: h\r\nx-api-key: \(TestBed.key)\r\nx-simulate: \(simulate)\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n" + body
    }

    /// Connections that have each sent a call.
    private func connections(_ count: Int, reads: Bool, port: Int, sending text: String) async throws
        -> [RawConnection]
    {
        try await withThrowingTaskGroup(of: [RawConnection].self) { group in
            for worker in 0..<8 {
                group.addTask {
                    var made: [RawConnection] = []
                    for _ in stride(from: worker, to: count, by: 8) {
                        let connection = try await RawConnection(port: port, reads: reads)
                        try await connection.send(text)
                        made.append(connection)
                    }
                    return made
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    @Test func `F-G6: of many clients that do not read each is charged once, and the node is as empty as before`()
        async throws
    {
        let count = FaultReport.rounds(200, full: 1_000)
        try await withGateway { bed in
            let before = ResidentMemory.kib() ?? 0
            let clients = try await connections(
                count, reads: false, port: bed.port, sending: call("input=50;output=40;chunks=5;delay-ms=100"))
            try await eventually("all calls have ended at the provider", within: .seconds(120)) {
                let log = bed.simulator.log()
                return log.count == count && log.allSatisfy { $0.outcome == .completed }
            }
            let growth = (ResidentMemory.kib() ?? 0) - before
            for client in clients { try await client.close() }
            try await eventually("each is charged", within: .seconds(60)) { bed.admission.now.settled.count == count }
            #expect(bed.admission.unbalanced == [])
            #expect(bed.admission.now.settled.allSatisfy { $0.tokens == TokenUsage(input: 50, output: 40) })
            try await eventually("no connection is left") {
                let left = [
                    try await bed.metric("weir_gateway_connections"), try await bed.metric("weir_gateway_in_flight"),
                ]
                return left == [0, 0]
            }
            try FaultReport(
                "F-G6", invariant: "clients that do not read: each charged once, nothing left over, M1",
                bound: "\(count) calls, 0 connections left",
                measured: "\(count) charged, 0 left, \(growth / count) KiB a call with client and provider"
            ).report()
        }
    }

    @Test func `F-C1: of many that hang up at once a few are read on, the others are cut, and all are charged`()
        async throws
    {
        let count = FaultReport.rounds(100, full: 1_000)
        try await withGateway(adjust: { $0.drain.atOnce = 8 }) { bed in
            // A minute of answer: nobody waits for its end here.
            let clients = try await connections(
                count, reads: true, port: bed.port, sending: call("input=50;output=600;chunks=60;delay-ms=1000"))
            for client in clients {
                try await eventually("it is being answered", within: .seconds(60)) {
                    client.text.contains("content_block_delta")
                }
            }
            for client in clients { try await client.close() }
            try await eventually("all but the drained ones are charged and cut at the provider", within: .seconds(60)) {
                bed.admission.now.settled.count >= count - 8
                    && bed.simulator.log().count { $0.outcome == .clientGone } >= count - 8
            }
            let drained = bed.simulator.log().count { $0.outcome == .open }
            #expect((1...8).contains(drained))
            let settled = bed.admission.now.settled
            #expect(settled.allSatisfy { $0.outcome == .clientGone && $0.tokens.input == 50 && $0.cost.micros > 0 })
            #expect(settled.allSatisfy { $0.tokens.output > 0 })
            try FaultReport(
                "F-C1", invariant: "many hang-ups at once: bounded drains, the rest cut and charged as seen, E1",
                bound: "8 drained of \(count)", measured: "\(drained) drained, \(settled.count) cut and charged"
            ).report()
        }
    }

    @Test func `F-U5: an event without end passes through, and what comes after it is charged`() async throws {
        let megabytes = FaultReport.rounds(32, full: 400)
        let upstream = try await EndlessLine.serve(megabytes: megabytes)
        defer { upstream.close(promise: nil) }
        let port = try #require(upstream.localAddress?.port)
        try await withGateway(adjust: { $0.anthropic.url = "http://127.0.0.1:\(port)" }) { bed in
            let before = ResidentMemory.kib() ?? 0
            let client = try await RawConnection(port: bed.port, keeps: 64 << 10)
            try await client.send(call("input=1"))
            try await eventually("it is charged", within: .seconds(300)) { bed.admission.now.settled.count == 1 }
            let growth = (ResidentMemory.kib() ?? 0) - before
            try await eventually("all of it has passed, to its end") {
                client.count > megabytes << 20 && client.text.hasSuffix("message_stop\"}\n\n\r\n0\r\n\r\n")
            }
            let event = try #require(bed.admission.now.settled.first)
            #expect(event.outcome == .completed)
            #expect(event.tokens == TokenUsage(input: 50, output: 40))
            try await client.close()
            try FaultReport(
                "F-U5", invariant: "an event of \(megabytes) MiB passes, usage after it counts, M1",
                bound: "90 tokens", measured: "\(event.tokens.total) tokens, memory \(growth / 1024) MiB"
            ).report()
        }
    }
}

extension TestBed {
    /// A number of this node's metrics, without labels.
    func metric(_ name: String) async throws -> Int? {
        let text = try await client.get(url: operations + "/metrics").get().text
        return text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
            .flatMap { Int($0.dropFirst(name.utf8.count + 1)) }
    }
}

/// A provider whose stream holds one line of any length, and is right before and after it.
private final class EndlessLine: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private static let piece = ByteBuffer(repeating: UInt8(ascii: "x"), count: 1 << 20)
    private let left: Mutex<Int>
    private let hasBegun = Mutex(false)

    init(megabytes: Int) { left = Mutex(megabytes) }

    static func serve(megabytes: Int) async throws -> any Channel {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(EndlessLine(megabytes: megabytes))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard
            hasBegun.withLock({ begun in
                defer { begun = true }
                return !begun
            })
        else { return }
        write(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
                + #"event: message_start\#ndata: {"type":"message_start","message":{"usage":"#
                + #"{"input_tokens":50,"output_tokens":1}}}\#n\#ndata: "#, context)
        goOn(context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) { goOn(context) }

    private func goOn(_ context: ChannelHandlerContext) {
        while context.channel.isWritable, hasBegun.withLock({ $0 }) {
            let now = left.withLock { left in
                left -= 1
                return left
            }
            if now >= 0 {
                context.writeAndFlush(NIOAny(Self.piece), promise: nil)
            } else if now == -1 {
                let end =
                    "\n\n" + #"event: message_delta\#ndata: {"type":"message_delta","usage":{"output_tokens":40}}"#
                    + "\n\n" + #"event: message_stop\#ndata: {"type":"message_stop"}"# + "\n\n"
                let channel = context.channel
                channel.writeAndFlush(ByteBuffer(string: end)).whenComplete { _ in channel.close(promise: nil) }
            } else {
                return
            }
        }
    }

    private func write(_ text: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(NIOAny(ByteBuffer(string: text)), promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
