import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// A client that sends bytes as they are and collects what comes back: for what no client of a protocol can be made to do.
package final class RawConnection: Sendable {
    private struct Seen {
        var text = ""
        var count = 0
        /// The other side has ended its half, or all of it.
        var hasEnded = false
        var isClosed = false
        var wasReset = false
    }

    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let state = Mutex(Seen())
        let keeps: Int

        init(keeps: Int) { self.keeps = keeps }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            state.withLock {
                $0.count += bytes.readableBytes
                $0.text += String(buffer: bytes)
                if $0.text.utf8.count > keeps { $0.text = String($0.text.suffix(keeps / 2)) }
            }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case .inputClosed? = event as? ChannelEvent { state.withLock { $0.hasEnded = true } }
        }

        func channelInactive(context: ChannelHandlerContext) {
            state.withLock {
                $0.hasEnded = true
                $0.isClosed = true
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            if (error as? IOError)?.errnoCode == ECONNRESET { state.withLock { $0.wasReset = true } }
            context.close(promise: nil)
        }
    }

    package let channel: any Channel
    private let collector: Collector

    /// - Parameters:
    ///   - reads: false: takes nothing in until ``read()`` is called.
    ///   - keeps: beyond so many bytes the first ones of the answer are forgotten.
    ///   - staysHalfOpen: whether it may still send when the other side has ended its half.
    package init(port: Int, reads: Bool = true, keeps: Int = .max, staysHalfOpen: Bool = false) async throws {
        let collector = Collector(keeps: keeps)
        self.collector = collector
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: reads)
            .channelOption(.allowRemoteHalfClosure, value: staysHalfOpen)
            .channelOption(.socketOption(.so_rcvbuf), value: reads ? 1 << 20 : 4096)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(collector) }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    package var text: String { collector.state.withLock { $0.text } }
    /// Bytes that have come.
    package var count: Int { collector.state.withLock { $0.count } }
    package var hasEnded: Bool { collector.state.withLock { $0.hasEnded } }
    package var isClosed: Bool { collector.state.withLock { $0.isClosed } }
    /// The other side ended it by RST.
    package var wasReset: Bool { collector.state.withLock { $0.wasReset } }

    package func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)).get() }

    package func read() async throws { try await channel.setOption(.autoRead, value: true).get() }

    /// Sends no more, and goes on reading.
    package func endHalf() async throws { try await channel.close(mode: .output).get() }

    package func close() async throws {
        do {
            try await channel.close().get()
        } catch ChannelError.alreadyClosed {
            // The other side was first.
        }
    }

    /// Ends with a reset instead of a regular end.
    package func reset() async throws {
        if let options = channel as? any SocketOptionProvider {
            try await options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        }
        try await close()
    }
}
