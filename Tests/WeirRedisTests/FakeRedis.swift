import NIOCore
import NIOPosix
import Synchronization

@testable import WeirRedis

/// What a ``FakeRedis`` does upon one command.
enum FakeAnswer: Sendable {
    case reply(String)
    /// Replies after a while; what comes later waits behind it, as with a slow server.
    case delayed(String, Duration)
    case nothing
    case hangUp

    static let ok = FakeAnswer.reply("+OK\r\n")
}

/// Runs `body` with a server that answers as `script` says: late, wrong, or not at all.
///
/// - Parameter script: gets the number of the connection (from 1) and the command.
nonisolated(nonsending) func withFakeRedis(
    _ script: @escaping @Sendable (Int, [String]) -> FakeAnswer,
    _ body: (RedisConfiguration) async throws -> Void
) async throws {
    let accepted = Counter()
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                let number = accepted.next()
                try channel.pipeline.syncOperations.addHandler(try FakeRedisHandler { script(number, $0) })
            }
        }
        .bind(host: "127.0.0.1", port: 0).get()
    var configuration = RedisConfiguration(address: .tcp(host: "127.0.0.1", port: server.localAddress?.port ?? 0))
    // A loaded machine is slow; tests of deadlines set their own.
    configuration.commandDeadline = .seconds(5)
    configuration.connectTimeout = .seconds(10)
    do {
        try await body(configuration)
        try await server.close()
    } catch {
        try await server.close()
        throw error
    }
}

private final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    func next() -> Int { count.wrappingAdd(1, ordering: .relaxed).newValue }
}

private final class FakeRedisHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Commands are arrays of bulk strings, which the reader of replies reads as well.
    private var reader: RedisReplyReader
    private let script: ([String]) -> FakeAnswer
    private var tail: NIODeadline = .now()

    init(script: @escaping ([String]) -> FakeAnswer) throws {
        reader = try RedisReplyReader()
        self.script = script
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        do throws(RedisError) {
            try reader.feed(unwrapInboundIn(data))
            while let value = try reader.next() {
                guard case .array(let parts) = value else { continue }
                let command = parts.map { part in
                    if case .bulk(let text) = part { String(buffer: text) } else { "" }
                }
                answer(script(command), context: context)
            }
        } catch {
            context.close(promise: nil)
        }
    }

    private func answer(_ answer: FakeAnswer, context: ChannelHandlerContext) {
        switch answer {
        case .reply(let text): write(text, at: max(tail, .now()), context: context)
        case .delayed(let text, let pause): write(text, at: max(tail, .now()) + TimeAmount(pause), context: context)
        case .nothing: break
        case .hangUp: context.close(promise: nil)
        }
    }

    private func write(_ text: String, at time: NIODeadline, context: ChannelHandlerContext) {
        guard time > .now() else {
            return context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        }
        tail = time
        let channel = context.channel
        context.eventLoop.scheduleTask(deadline: time) {
            channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

/// Logs in like Redis, and answers ECHO with its argument after `pause`.
func echo(after pause: @escaping @Sendable (String) -> Duration? = { _ in nil })
    -> @Sendable (Int, [String]) -> FakeAnswer
{
    { _, command in
        switch command[0] {
        case "ECHO":
            let reply = "$\(command[1].utf8.count)\r\n\(command[1])\r\n"
            return pause(command[1]).map { .delayed(reply, $0) } ?? .reply(reply)
        case "PING": return .reply("+PONG\r\n")
        default: return .ok
        }
    }
}
