import Glibc
import NIOCore
import NIOPosix
import Synchronization
import WeirTestSupport

/// A client that sends bytes as they are and collects what comes back: for what no HTTP client can be made to do.
final class RawConnection: Sendable {
    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let state = Mutex((text: "", isClosed: false))

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            state.withLock { $0.text += String(buffer: bytes) }
        }

        func channelInactive(context: ChannelHandlerContext) { state.withLock { $0.isClosed = true } }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    let channel: any Channel
    private let collector: Collector

    /// - Parameter reads: false: takes nothing in until ``read()`` is called.
    init(port: Int, reads: Bool = true) async throws {
        let collector = Collector()
        self.collector = collector
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: reads)
            .channelOption(.socketOption(.so_rcvbuf), value: reads ? 1 << 20 : 4096)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(collector) }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    var text: String { collector.state.withLock { $0.text } }
    var isClosed: Bool { collector.state.withLock { $0.isClosed } }

    func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)).get() }

    func read() async throws { try await channel.setOption(.autoRead, value: true).get() }

    func close() async throws {
        do {
            try await channel.close().get()
        } catch ChannelError.alreadyClosed {
            // The other side was first.
        }
    }

    /// Ends with a reset instead of a regular end.
    func reset() async throws {
        if let options = channel as? any SocketOptionProvider {
            try await options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        }
        try await close()
    }
}
