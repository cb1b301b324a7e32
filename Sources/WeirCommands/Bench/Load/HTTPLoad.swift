import NIOCore
import NIOPosix

/// The same request again and again over a number of kept connections, each sending the next one when it has its
/// answer. Written for a single event loop, and cheaper than anything it measures.
struct HTTPLoad: Sendable {
    private let loop: any EventLoop
    private let progress: NIOLoopBound<Progress>
    private let channels: [any Channel]

    struct Outcome: Sendable {
        var seconds: Double
        /// Of each answer from sending to its last byte, in nanoseconds, sorted.
        var latencies: [Int64]
        var events: Int
        /// Answers other than 200.
        var failures: Int

        /// In microseconds.
        func latency(percentile: Int) -> Double {
            guard !latencies.isEmpty else { return 0 }
            return Double(latencies[min(latencies.count - 1, latencies.count * percentile / 100)]) / 1000
        }
    }

    /// Opens the connections.
    static func connect(host: String, port: Int, connections: Int, on loop: any EventLoop) async throws -> HTTPLoad {
        let progress = try await loop.submit { NIOLoopBound(Progress(), eventLoop: loop) }.get()
        let bootstrap = ClientBootstrap(group: loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(LoadConnection(progress.value))
                }
            }
        var channels: [any Channel] = []
        for _ in 0..<connections { channels.append(try await bootstrap.connect(host: host, port: port).get()) }
        return HTTPLoad(loop: loop, progress: progress, channels: channels)
    }

    /// Sends `request`, head and body as they go over the wire, so many times in all. Returns when the last answer is in
    /// and the connections are closed: a load sends once.
    func send(_ request: ByteBuffer, times: Int) async throws -> Outcome {
        let start = ContinuousClock.now
        try await loop.flatSubmit { [loop, progress, channels] () -> EventLoopFuture<Void> in
            progress.value.request = request
            progress.value.left = times
            progress.value.latencies.reserveCapacity(times)
            for channel in channels { channel.triggerUserOutboundEvent(LoadConnection.Start(), promise: nil) }
            return .andAllComplete(channels.map(\.closeFuture), on: loop)
        }.get()
        let seconds = start.duration(to: .now) / .seconds(1)
        return try await loop.submit { [progress] in
            let progress = progress.value
            if let failure = progress.failure { throw failure }
            guard progress.latencies.count == times else {
                throw BenchError(description: "\(times - progress.latencies.count) calls were not answered")
            }
            // A few may be refused on a machine that is busy otherwise; more would be another measurement.
            guard progress.failures * 100 <= times else {
                throw BenchError(
                    description: "\(progress.failures) of \(times) calls failed, the last: \(progress.lastFailure)")
            }
            return Outcome(
                seconds: seconds, latencies: progress.latencies.sorted(), events: progress.events,
                failures: progress.failures)
        }.get()
    }

    /// What the connections share. Touched on their loop alone.
    fileprivate final class Progress {
        var request = ByteBuffer()
        var left = 0
        var latencies: [Int64] = []
        var events = 0
        var failures = 0
        var lastFailure = ""
        var failure: BenchError?
    }
}

/// One connection of a load: ends itself when nothing is left to send.
private final class LoadConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    struct Start: Sendable {}

    private let progress: HTTPLoad.Progress
    private var reader = AnswerReader()
    private var sentAt = NIODeadline.now()

    init(_ progress: HTTPLoad.Progress) { self.progress = progress }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        sendNext(context)
        promise?.succeed(())
    }

    private func sendNext(_ context: ChannelHandlerContext) {
        guard progress.left > 0, progress.failure == nil else { return context.close(promise: nil) }
        progress.left -= 1
        sentAt = .now()
        context.writeAndFlush(wrapOutboundOut(progress.request), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        let result = bytes.withUnsafeReadableBytes { raw in
            Result { () throws(BenchError) in
                let (events, failures) = (reader.events, reader.failures)
                let ended = try reader.read(raw)
                progress.events += reader.events - events
                if reader.failures > failures {
                    progress.failures += reader.failures - failures
                    progress.lastFailure = reader.lastFailure
                }
                return ended
            }
        }
        switch result {
        case .success(0): break
        case .success:
            progress.latencies.append((NIODeadline.now() - sentAt).nanoseconds)
            sendNext(context)
        case .failure(let error):
            progress.failure = progress.failure ?? error
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        progress.failure = progress.failure ?? BenchError(description: "a connection broke: \(error)")
        context.close(promise: nil)
    }
}
