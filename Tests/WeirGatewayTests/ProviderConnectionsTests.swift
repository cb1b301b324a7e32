import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization
import Testing
import WeirCore
import WeirTestSupport

@testable import WeirGateway

@Suite struct ProviderConnectionsTests {
    /// A server that answers each request as told; `{n}` in an answer is the number of the connection, from 1, and after
    /// `{close}` it hangs up. Nil: it hangs up without an answer.
    final class Server: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        struct Seen {
            var connections = 0
            var requests: [String] = []
        }

        let seen = Mutex(Seen())
        let answers: @Sendable (Int) -> String?

        init(_ answers: @escaping @Sendable (Int) -> String?) { self.answers = answers }

        func channelActive(context: ChannelHandlerContext) { seen.withLock { $0.connections += 1 } }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: unwrapInboundIn(data))
            let (number, connection) = seen.withLock { seen in
                seen.requests.append(text)
                return (seen.requests.count, seen.connections)
            }
            guard let answer = answers(number) else { return context.close(promise: nil) }
            let bytes = ByteBuffer(
                string: answer.replacing("{n}", with: "\(connection)").replacing("{close}", with: ""))
            context.writeAndFlush(NIOAny(bytes), promise: nil)
            if answer.hasSuffix("{close}") { context.close(promise: nil) }
        }
    }

    /// Collects what it is told; completes when the call is over.
    final class Collector: UpstreamReceiver {
        let done: EventLoopPromise<String>
        var text = ""

        init(_ loop: any EventLoop) { done = loop.makePromise() }

        func upstreamSent() { text += "sent " }
        func upstreamHead(_ head: HTTPResponseHead) { text += "\(head.status.code) " }
        func upstreamBody(_ bytes: ByteBuffer) { text += String(buffer: bytes) }
        func upstreamReadComplete() -> Bool { true }
        func upstreamEnded() { done.succeed(text + " end") }
        func upstreamFailed(_ error: any Error) { done.succeed(text + "failed") }
    }

    static let ok = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{n}"

    /// The outcomes of so many calls, one after the other, and what the server saw.
    static func calls(
        _ count: Int, to host: String = "127.0.0.1", path: String = "/base", tls: NIOSSLContext? = nil,
        trustRoots: NIOSSLTrustRoots = .default, idle: Duration = .seconds(50),
        body: ByteBuffer? = ByteBuffer(string: "{}"),
        answers: @escaping @Sendable (Int) -> String?
    ) async throws -> (outcomes: [String], seen: Server.Seen) {
        let server = Server(answers)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.addHandler(server)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        let base = try #require(ProviderBase("\(tls == nil ? "http" : "https")://\(host):\(port)\(path)"))
        let connections = try await loop.submit {
            var deadlines = GatewayConfiguration.Deadlines()
            deadlines.providerConnectionIdle = idle
            return NIOLoopBound(
                ProviderConnections(loop: loop, deadlines: deadlines, trustRoots: trustRoots), eventLoop: loop)
        }.get()
        var outcomes: [String] = []
        for _ in 0..<count {
            outcomes.append(
                try await loop.flatSubmit {
                    let collector = Collector(loop)
                    connections.value.check(now: .now())
                    _ = connections.value.start(
                        UpstreamRequest(
                            base: base, target: "/v1/messages?a=b", method: .POST,
                            fields: [Field(name: "x-a", value: "b")],
                            body: body),
                        to: collector)
                    return collector.done.futureResult
                }.get())
        }
        try await loop.submit { connections.value.stop() }.get()
        try await listener.close()
        return (outcomes, server.seen.withLock { $0 })
    }

    @Test func `a connection is kept for the next call, and a request is what it should be`() async throws {
        let (outcomes, seen) = try await Self.calls(3) { _ in Self.ok }
        #expect(outcomes == Array(repeating: "sent 200 1 end", count: 3))
        #expect(seen.connections == 1)
        let request = try #require(seen.requests.first)
        #expect(request.hasPrefix("POST /base/v1/messages?a=b HTTP/1.1\r\nhost: 127.0.0.1:"))
        #expect(request.hasSuffix("\r\nx-a: b\r\ncontent-length: 2\r\n\r\n{}"))
    }

    @Test func `a connection that the provider closes, or that is too old, is not used again`() async throws {
        let closing = try await Self.calls(2) { _ in
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\n{n}"
        }
        #expect(closing.outcomes == ["sent 200 1 end", "sent 200 2 end"])
        let old = try await Self.calls(2, idle: .zero) { _ in Self.ok }
        #expect(old.outcomes == ["sent 200 1 end", "sent 200 2 end"])
    }

    @Test func `an answer that breaks off, or is none, fails the call once`() async throws {
        let answers: [String?] = [
            nil, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{n}{close}", "nonsense\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        ]
        for answer in answers {
            let (outcomes, _) = try await Self.calls(1) { _ in answer }
            #expect(outcomes[0].hasPrefix("sent ") && outcomes[0].hasSuffix("failed"), "\(outcomes)")
        }
    }

    @Test func `an interim answer is not taken for the answer`() async throws {
        let (outcomes, _) = try await Self.calls(1) { _ in "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + Self.ok }
        #expect(outcomes == ["sent 200 1 end"])
    }

    @Test func `a large body arrives whole`() async throws {
        let body = ByteBuffer(repeating: UInt8(ascii: "x"), count: 300_000)
        let (outcomes, seen) = try await Self.calls(1, body: body) { number in number == 1 ? Self.ok : "" }
        #expect(outcomes == ["sent 200 1 end"])
        #expect(seen.requests[0].contains("content-length: 300000\r\n\r\nx"))
    }

    @Test func `a provider that cannot be reached was sent nothing`() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let port = try freePort()
        let base = try #require(ProviderBase("http://127.0.0.1:\(port)"))
        let outcome = try await loop.flatSubmit {
            let collector = Collector(loop)
            let connections = ProviderConnections(loop: loop, deadlines: GatewayConfiguration.Deadlines())
            _ = connections.start(
                UpstreamRequest(base: base, target: "/", method: .GET, fields: [], body: nil), to: collector)
            return collector.done.futureResult
        }.get()
        #expect(outcome == "failed")
    }

    @Test func `TLS is spoken, and only to a server that is who it says`() async throws {
        try await withTemporaryDirectory { directory in
            try makeCertificate(in: directory, name: "server")
            try makeCertificate(in: directory, name: "other")
            let tls = try NIOSSLContext(
                configuration: .makeServerConfiguration(
                    certificateChain: NIOSSLCertificate.fromPEMFile(directory + "/server.crt").map { .certificate($0) },
                    privateKey: .privateKey(NIOSSLPrivateKey(file: directory + "/server.key", format: .pem))))
            for host in ["localhost", "127.0.0.1"] {
                let (outcomes, seen) = try await Self.calls(
                    2, to: host, tls: tls, trustRoots: .file(directory + "/server.crt")
                ) { _ in Self.ok }
                #expect(outcomes == ["sent 200 1 end", "sent 200 1 end"], "\(host)")
                #expect(seen.requests.count == 2)
            }
            for trustRoots in [NIOSSLTrustRoots.file(directory + "/other.crt"), .default] {
                let (_, seen) = try await Self.calls(1, tls: tls, trustRoots: trustRoots) { _ in Self.ok }
                #expect(seen.requests.isEmpty, "the operator's key would have been among what was sent")
            }
        }
    }
}
