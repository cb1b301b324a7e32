import NIOCore

/// One way of a connection: takes bytes from its own channel, and gives them to the other one when the faults let it.
///
/// Lives on the loop of both channels.
final class ChaosLane: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private enum Content { case bytes(ByteBuffer), end }

    /// Beyond it nothing is read: who sends too much into a slow lane has to wait, as with a real one.
    private static let mostHeld = 256 << 10
    /// Between two bytes that are to arrive one by one; else the system puts them together again.
    private static let singleBytePause: TimeAmount = .microseconds(20)

    private let way: ChaosFaults.Way
    /// It outlives both channels, and with them whatever could call this.
    private unowned let connection: ChaosConnection
    private let loop: any EventLoop
    private var context: ChannelHandlerContext?
    private var queue = CircularBuffer<(content: Content, due: NIODeadline)>()
    private var held = 0
    private var lastDue = NIODeadline.now()
    /// When bandwidth, or the pause between single bytes, lets the next piece pass.
    private var nextFree = NIODeadline.now()
    private var wake: Scheduled<Void>?
    private var isOver = false
    private var random: SplitMix64

    /// Where the bytes go; nil: not connected yet.
    var destination: (any Channel)? { didSet { pump() } }
    /// Takes everything in and lets nothing out.
    var isDiscarding = false

    init(_ way: ChaosFaults.Way, of connection: ChaosConnection, on loop: any EventLoop, random: SplitMix64) {
        self.way = way
        self.connection = connection
        self.loop = loop
        self.random = random
    }

    // MARK: In

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { context.read() }
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) { context.read() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        guard !isDiscarding else { return }
        held += bytes.readableBytes
        enqueue(.bytes(bytes))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if held < Self.mostHeld { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { enqueue(.end) }
    }

    func channelInactive(context: ChannelHandlerContext) { enqueue(.end) }

    func channelWritabilityChanged(context: ChannelHandlerContext) { connection.otherLane(than: self).pump() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { connection.end(.reset) }

    private func enqueue(_ content: Content) {
        var due = NIODeadline.now()
        let faults = connection.faults
        if faults.way.covers(way) {
            due = due + TimeAmount(faults.delay)
            let jitter = TimeAmount(faults.jitter).nanoseconds
            if jitter > 0 { due = due + .nanoseconds(Int64.random(in: 0...jitter, using: &random)) }
        }
        lastDue = max(lastDue, due)
        queue.append((content, lastDue))
        pump()
    }

    // MARK: Out

    /// Gives on what is due. Called again whenever something has changed that it waited for.
    func pump() {
        wake?.cancel()
        wake = nil
        guard let destination, !isOver else { return }
        while let (content, due) = queue.first {
            let faults = connection.faults
            if faults.isBlackHole, faults.way.covers(way) { return }
            let start = max(due, nextFree)
            if start > .now() { return scheduleWake(start) }
            switch content {
            case .end:
                queue.removeFirst()
                isOver = true
                destination.close(mode: .output, promise: nil)
                return
            case .bytes(var bytes):
                guard destination.isWritable else { return }
                let size = min(bytes.readableBytes, pieceSize(faults), connection.allowance(way))
                let piece = bytes.readSlice(length: size)
                // All is counted before it is written: writing may bring us here again, for the next piece.
                take(size, rest: bytes, from: start, faults)
                let isLast = connection.count(size, on: way)
                if let piece, size > 0 { destination.writeAndFlush(piece, promise: nil) }
                if isLast { connection.cut() }
                if isOver || isDiscarding { return }
            }
        }
    }

    private func take(_ size: Int, rest: ByteBuffer, from start: NIODeadline, _ faults: ChaosFaults) {
        held -= size
        if rest.readableBytes > 0 { queue[queue.startIndex].content = .bytes(rest) } else { queue.removeFirst() }
        if faults.way.covers(way) {
            if let rate = faults.bytesPerSecond {
                nextFree = start + .nanoseconds(Int64(size) * 1_000_000_000 / Int64(rate))
            }
            if faults.writesSingleBytes { nextFree = max(nextFree, .now() + Self.singleBytePause) }
        }
        if held < Self.mostHeld { context?.read() }
    }

    private func pieceSize(_ faults: ChaosFaults) -> Int {
        guard faults.way.covers(way) else { return .max }
        if faults.writesSingleBytes { return 1 }
        // Fifty pieces a second, so that a slow lane is slow all the time.
        return faults.bytesPerSecond.map { max(1, $0 / 50) } ?? .max
    }

    private func scheduleWake(_ time: NIODeadline) {
        wake = loop.assumeIsolated().scheduleTask(deadline: time) { self.pump() }
    }

    /// Nothing passes any more.
    func stop() {
        isOver = true
        isDiscarding = true
        wake?.cancel()
        wake = nil
        queue.removeAll()
        held = 0
    }

    /// As ``stop()``, for a way whose reader has been told that it ends: its writer must not be held up.
    func discard() {
        stop()
        context?.read()
    }
}
