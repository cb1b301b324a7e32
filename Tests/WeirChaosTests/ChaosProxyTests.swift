import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Testing
import WeirTestSupport

@testable import WeirChaos

@Suite struct ChaosProxyTests {
    /// A server that answers with what it is sent, and remembers each read.
    private final class Echo: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        struct Seen {
            var reads: [String] = []
            var ends = 0
        }
        let seen = Mutex(Seen())
        var text: String { seen.withLock { $0.reads.joined() } }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            seen.withLock { $0.reads.append(String(buffer: bytes)) }
            context.writeAndFlush(NIOAny(bytes), promise: nil)
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard case .inputClosed? = event as? ChannelEvent else { return }
            seen.withLock { $0.ends += 1 }
            context.writeAndFlush(NIOAny(ByteBuffer(string: "!")), promise: nil)
            context.close(mode: .output, promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    private func withProxy(
        seed: UInt64 = 1, _ faults: ChaosFaults = ChaosFaults(),
        _ body: (ChaosProxy, Int, Echo) async throws -> Void
    ) async throws {
        let echo = Echo()
        // A thread of its own: on one that serves others, too, it may read late, and see together what came apart.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = try await ServerBootstrap(group: group)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(echo) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let proxy = ChaosProxy(to: "127.0.0.1", port: server.localAddress?.port ?? 0, seed: seed, faults: faults)
        let port = try await proxy.start()
        let result: Result<Void, any Error>
        do { result = .success(try await body(proxy, port, echo)) } catch { result = .failure(error) }
        try await proxy.stop()
        try await server.close()
        try await group.shutdownGracefully()
        try result.get()
    }

    private func faults(_ adjust: (inout ChaosFaults) -> Void) -> ChaosFaults {
        var faults = ChaosFaults()
        adjust(&faults)
        return faults
    }

    @Test func `without a fault bytes pass as they are, both ways, and so does the end of a half`() async throws {
        try await withProxy { proxy, port, echo in
            let client = try await RawConnection(port: port, staysHalfOpen: true)
            let text = String((0..<400_000).map { _ in "abcdefgh".randomElement() ?? "a" })
            try await client.send(text)
            try await client.endHalf()
            try await eventually("all of it has come back") { client.text == text + "!" && client.hasEnded }
            #expect(echo.text == text)
            try await eventually("both sides are gone") { proxy.openCount == 0 }
            #expect(proxy.acceptedCount == 1)
        }
    }

    @Test func `bytes that arrive one by one are the same bytes`() async throws {
        try await withProxy(seed: 1, faults { $0.writesSingleBytes = true }) { _, port, echo in
            let client = try await RawConnection(port: port)
            let text = String(repeating: "0123456789", count: 50)
            try await client.send(text)
            try await eventually("it has come back") { client.text == text }
            #expect(echo.seen.withLock { $0.reads.count } > 10)
            try await client.close()
        }
    }

    @Test func `a black hole swallows nothing: when it is over, what was sent arrives`() async throws {
        try await withProxy { proxy, port, echo in
            let client = try await RawConnection(port: port)
            try await client.send("before ")
            try await eventually { client.text == "before " }
            await proxy.change { $0.isBlackHole = true }
            try await client.send("after")
            // From here on it swallows answers alone.
            await proxy.change { $0.way = .down }
            try await eventually("the question arrives, its answer does not") { echo.text == "before after" }
            #expect(client.text == "before ")
            await proxy.set(ChaosFaults())
            try await eventually("the answer arrives") { client.text == "before after" }
            try await client.close()
        }
    }

    @Test(arguments: [ChaosFaults.Ending.close, .halfClose])
    func `a connection is cut after exactly as many bytes as the seed says, each time`(ending: ChaosFaults.Ending)
        async throws
    {
        func lengths(_ seed: UInt64) async throws -> [Int] {
            var lengths: [Int] = []
            let cut = faults {
                $0.cutAfter = 0...300
                $0.ending = ending
                $0.way = .down
            }
            try await withProxy(seed: seed, cut) { _, port, _ in
                for _ in 0..<5 {
                    let client = try await RawConnection(port: port, staysHalfOpen: true)
                    try await client.send(String(repeating: "x", count: 1_000))
                    try await eventually("the end") { client.hasEnded }
                    lengths.append(client.text.utf8.count)
                    try await client.close()
                }
            }
            return lengths
        }
        let first = try await lengths(7)
        #expect(try await lengths(7) == first)
        #expect(try await lengths(8) != first)
        #expect(first.allSatisfy { $0 <= 300 })
    }

    @Test func `after half a connection was ended, the other half goes on`() async throws {
        try await withProxy { proxy, port, echo in
            let client = try await RawConnection(port: port, staysHalfOpen: true)
            try await client.send("a")
            try await eventually { client.text == "a" }
            await proxy.endAll(.halfClose)
            try await eventually { client.hasEnded }
            try await client.send("b")
            try await eventually("the server reads on") { echo.text == "ab" }
            #expect(client.text == "a" && !client.isClosed)
            try await client.close()
        }
    }

    @Test func `a reset is a reset, for open connections and for those that are refused`() async throws {
        try await withProxy { proxy, port, echo in
            let client = try await RawConnection(port: port)
            try await client.send("a")
            try await eventually { client.text == "a" }
            await proxy.endAll(.reset)
            try await eventually { client.wasReset }
            await proxy.change { $0.refusedPercent = 100 }
            try await expectEnd(port: port)
            await proxy.set(ChaosFaults())
            let served = try await RawConnection(port: port)
            try await served.send("b")
            try await eventually { served.text == "b" }
            #expect(echo.text == "ab")
            try await served.close()
        }
    }

    @Test func `what is delayed or throttled does not arrive earlier than it may`() async throws {
        try await withProxy(seed: 1, faults { $0.delay = .milliseconds(60) }) { proxy, port, _ in
            let client = try await RawConnection(port: port)
            var start = ContinuousClock.now
            try await client.send("a")
            try await eventually { client.text == "a" }
            #expect(start.duration(to: .now) >= .milliseconds(120), "there and back")
            await proxy.set(
                faults {
                    $0.bytesPerSecond = 100_000
                    $0.way = .up
                })
            start = .now
            try await client.send(String(repeating: "x", count: 30_000))
            try await eventually { client.text.utf8.count == 30_001 }
            #expect(start.duration(to: .now) >= .milliseconds(250))
            try await client.close()
        }
    }

    @Test func `a fault of one way leaves the other as it is`() async throws {
        try await withProxy(
            seed: 1,
            faults {
                $0.delay = .seconds(3_000)
                $0.way = .down
            }
        ) { _, port, echo in
            let client = try await RawConnection(port: port)
            try await client.send("a")
            try await eventually("the question arrives") { echo.text == "a" }
            #expect(client.text.isEmpty)
            try await client.close()
        }
    }

    @Test func `what two sides send at once in large pieces arrives once and in order`() async throws {
        try await withProxy { _, port, echo in
            let client = try await RawConnection(port: port)
            // Numbers, so that a repeated or missing piece is seen.
            let text = (0..<300_000).map { "\($0) " }.joined()
            for start in stride(from: 0, to: text.utf8.count, by: 100_000) {
                let piece = text.utf8.dropFirst(start).prefix(100_000)
                try await client.send(String(decoding: piece, as: UTF8.self))
            }
            try await eventually("all of it has come back", within: .seconds(30)) {
                client.count >= text.utf8.count
            }
            #expect(client.text == text && echo.text == text)
            try await client.close()
        }
    }

    @Test func `a slow way holds back who sends, and not the bytes in memory`() async throws {
        try await withProxy(seed: 1, faults { $0.isBlackHole = true }) { proxy, port, echo in
            let client = try await RawConnection(port: port)
            let sending = Task { try await client.send(String(repeating: "x", count: 8 << 20)) }
            try await eventually("the client is held back") { !client.channel.isWritable }
            await proxy.set(ChaosFaults())
            try await sending.value
            try await eventually("all of it arrives", within: .seconds(30)) {
                echo.seen.withLock { $0.reads.reduce(0) { $0 + $1.utf8.count } } == 8 << 20
            }
            try await client.close()
        }
    }

    @Test func `a server that is not there resets the client`() async throws {
        let proxy = ChaosProxy(to: "127.0.0.1", port: try freePort(), seed: 1)
        let port = try await proxy.start()
        try await expectEnd(port: port)
        try await eventually { proxy.openCount == 0 }
        try await proxy.stop()
    }

    /// A connection that is ended before its first byte, perhaps before the client has learnt that it was made.
    private func expectEnd(port: Int) async throws {
        do {
            let client = try await RawConnection(port: port)
            try await eventually { client.isClosed }
        } catch let error as NIOConnectionError {
            #expect(error.connectionErrors.contains { ($0.error as? IOError)?.errnoCode == ECONNRESET })
        }
    }
}
