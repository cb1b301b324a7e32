import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A client's connection and the one to the server that stands behind it. Lives on one loop.
final class ChaosConnection {
    let number: Int
    private(set) var faults: ChaosFaults
    private let client: any Channel
    private var server: (any Channel)?
    private let seed: UInt64
    private var random: SplitMix64
    private lazy var up = lane(.up, 1)
    private lazy var down = lane(.down, 2)
    /// What may still pass before it is cut; nil: all.
    private var left: Int?
    private var isEnded = false
    /// Sides that are there or may still come.
    private var sides = 2
    /// Told once, when it is ended by a fault.
    private let onCut: (ChaosFaults.Ending) -> Void
    /// Told once, when both sides are gone.
    private let onClosed: () -> Void

    /// - Parameter seed: of the proxy; with `number` it decides all that is random here.
    init(
        _ client: any Channel, number: Int, seed: UInt64, faults: ChaosFaults,
        onCut: @escaping (ChaosFaults.Ending) -> Void, onClosed: @escaping () -> Void
    ) {
        self.client = client
        self.number = number
        self.seed = seed &+ UInt64(number) &* 0xd134_2543_de82_ef95
        self.faults = faults
        self.onCut = onCut
        self.onClosed = onClosed
        random = SplitMix64(seed: self.seed)
        drawCut()
    }

    /// Whether this connection is one of those that are refused.
    func isRefused() -> Bool { Int.random(in: 0..<100, using: &random) < faults.refusedPercent }

    /// The client's side is there: from now on its bytes are taken.
    func start() throws {
        client.closeFuture.assumeIsolated().whenComplete { _ in self.sideIsGone() }
        try client.pipeline.syncOperations.addHandler(up)
    }

    /// The server's side is there, or it cannot be had.
    func connected(_ result: Result<any Channel, any Error>) {
        guard case .success(let channel) = result else {
            sideIsGone()
            return end(.reset)
        }
        channel.closeFuture.assumeIsolated().whenComplete { _ in self.sideIsGone() }
        guard !isEnded else { return channel.close(promise: nil) }
        server = channel
        do {
            try channel.pipeline.syncOperations.addHandler(down)
            down.destination = client
            up.destination = channel
        } catch {
            end(.reset)
        }
    }

    /// Nobody will connect to the server: this one is refused.
    func refuse() {
        client.closeFuture.assumeIsolated().whenComplete { _ in self.sideIsGone() }
        sideIsGone()
        end(.reset)
    }

    private func sideIsGone() {
        sides -= 1
        guard sides == 0 else { return }
        up.stop()
        down.stop()
        onClosed()
    }

    /// Other faults, from the next byte on. A cut is drawn anew and counts from here.
    func set(_ faults: ChaosFaults) {
        let isCutNew = faults.cutAfter != self.faults.cutAfter
        self.faults = faults
        if isCutNew { drawCut() }
        up.pump()
        down.pump()
    }

    /// Ends it now.
    func end(_ ending: ChaosFaults.Ending) {
        guard !isEnded else { return }
        switch ending {
        case .halfClose:
            left = nil
            down.discard()
            client.close(mode: .output, promise: nil)
        case .close, .reset:
            isEnded = true
            up.stop()
            down.stop()
            for channel in [client, server].compactMap({ $0 }) {
                if ending == .reset { Self.reset(channel) } else { channel.close(promise: nil) }
            }
        }
    }

    func otherLane(than lane: ChaosLane) -> ChaosLane { lane === up ? down : up }

    /// How many bytes may pass on this way before the cut.
    func allowance(_ way: ChaosFaults.Way) -> Int { faults.way.covers(way) ? left ?? .max : .max }

    /// - Returns: whether these are the last bytes before the cut.
    func count(_ bytes: Int, on way: ChaosFaults.Way) -> Bool {
        guard let left, faults.way.covers(way) else { return false }
        self.left = left - bytes
        return left <= bytes
    }

    /// Ends it as the faults say. Only the first call counts.
    func cut() {
        guard left != nil else { return }
        left = nil
        onCut(faults.ending)
        end(faults.ending)
    }

    private func drawCut() { left = faults.cutAfter.map { Int.random(in: $0, using: &random) } }

    private func lane(_ way: ChaosFaults.Way, _ stream: UInt64) -> ChaosLane {
        ChaosLane(way, of: self, on: client.eventLoop, random: SplitMix64(seed: seed &+ stream))
    }

    /// RST instead of FIN, and nothing of what is under way.
    private static func reset(_ channel: any Channel) {
        guard let socket = channel as? any SocketOptionProvider else { return channel.close(promise: nil) }
        socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
    }
}
