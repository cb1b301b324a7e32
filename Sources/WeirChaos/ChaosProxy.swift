import NIOCore
import NIOPosix
import Synchronization

/// A TCP proxy that does to connections what networks do, when told to.
///
/// Everything random follows from the seed: connection *n* of two proxies with one seed and the same faults meets the same
/// delays and the same cut.
package final class ChaosProxy: Sendable {
    /// What happened to a connection, for whoever watches.
    package enum Event: Sendable, Equatable {
        case opened(connection: Int)
        case refused(connection: Int)
        /// It was ended after so many bytes as the faults said.
        case cut(connection: Int, ChaosFaults.Ending)
        /// Both sides are gone.
        case closed(connection: Int)
    }

    private struct Open: Sendable {
        let connection: NIOLoopBound<ChaosConnection>
        let loop: any EventLoop
    }

    private struct State {
        var faults: ChaosFaults
        var accepted = 0
        var open: [Int: Open] = [:]
        var server: (any Channel)?
    }

    package let seed: UInt64
    private let host: String
    private let port: Int
    private let group: any EventLoopGroup
    private let onEvent: @Sendable (Event) -> Void
    private let state: Mutex<State>

    /// - Parameters:
    ///   - host, port: the server that it stands before.
    ///   - onEvent: told from any event loop.
    package init(
        to host: String, port: Int, seed: UInt64, faults: ChaosFaults = ChaosFaults(),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        onEvent: @escaping @Sendable (Event) -> Void = { _ in }
    ) {
        (self.host, self.port, self.seed, self.group, self.onEvent) = (host, port, seed, group, onEvent)
        state = Mutex(State(faults: faults))
    }

    /// Listens. Returns the port taken.
    /// - Throws: the error of the socket, such as an address in use.
    package func start(host: String = "127.0.0.1", port: Int = 0) async throws -> Int {
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in channel.eventLoop.makeCompletedFuture { try self.accept(channel) } }
            .bind(host: host, port: port).get()
        state.withLock { $0.server = channel }
        return channel.localAddress?.port ?? port
    }

    package var faults: ChaosFaults { state.withLock { $0.faults } }
    /// Connections that clients have made so far.
    package var acceptedCount: Int { state.withLock { $0.accepted } }
    package var openCount: Int { state.withLock { $0.open.count } }

    /// Other faults, for new connections and for those that are open. In force when it returns.
    package func set(_ faults: ChaosFaults) async {
        await onEachConnection(first: { $0.faults = faults }) { $0.set(faults) }
    }

    /// Changes some of the faults. In force when it returns.
    package func change(_ body: (inout ChaosFaults) -> Void) async {
        var faults = faults
        body(&faults)
        await set(faults)
    }

    /// Ends every connection that is open. New ones are served.
    package func endAll(_ ending: ChaosFaults.Ending) async {
        await onEachConnection(first: { _ in }) { $0.end(ending) }
    }

    /// Listens no longer, and resets what is open.
    package func stop() async throws {
        let server = state.withLock { state in
            defer { state.server = nil }
            return state.server
        }
        try await server?.close()
        await endAll(.reset)
    }

    private func onEachConnection(
        first: (inout State) -> Void, _ body: @escaping @Sendable (ChaosConnection) -> Void
    ) async {
        let open = state.withLock { state in
            first(&state)
            return Array(state.open.values)
        }
        for open in open {
            // A loop that has ended took its connections with it.
            try? await open.loop.submit { body(open.connection.value) }.get()
        }
    }

    /// On the new connection's loop.
    private func accept(_ client: any Channel) throws {
        let loop = client.eventLoop
        // Under the lock, so that faults which are set from here on reach it among the open ones.
        let open = state.withLock { state in
            state.accepted += 1
            let number = state.accepted
            let connection = ChaosConnection(
                client, number: number, seed: seed, faults: state.faults,
                onCut: { self.onEvent(.cut(connection: number, $0)) }, onClosed: { self.forget(number) })
            let open = Open(connection: NIOLoopBound(connection, eventLoop: loop), loop: loop)
            state.open[number] = open
            return open
        }
        let connection = open.connection.value
        guard !connection.isRefused() else {
            onEvent(.refused(connection: connection.number))
            return connection.refuse()
        }
        onEvent(.opened(connection: connection.number))
        try connection.start()
        ClientBootstrap(group: loop)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connect(host: host, port: port).assumeIsolated()
            .whenComplete { connection.connected($0) }
    }

    private func forget(_ number: Int) {
        // Let go outside of the lock.
        let gone = state.withLock { $0.open.removeValue(forKey: number) }
        if gone != nil { onEvent(.closed(connection: number)) }
    }
}
