import NIOCore
import NIOHTTP1

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Carries out one ``Answer`` at a time on a connection: waits, writes as fast as the client reads, and breaks
/// off where it is told to. Belongs to the connection's event loop.
final class AnswerWriter {
    private typealias Part = HTTPServerResponsePart

    /// One answer on its way.
    private struct Progress {
        var answer: Answer
        var keepAlive: Bool
        var isHeadSent = false
        var isOpeningSent = false
        /// Chunks of text written, which is what a provider has made and bills.
        var chunks = 0
        var logPosition = 0
        /// Nothing more is written: the answer hangs, or its reset is on the way.
        var isSilent = false

        /// 0 before the head.
        var statusSent: Int { isHeadSent ? Int(answer.status.code) : 0 }

        /// Of which the head was sent.
        var isOpenStream: Bool {
            if case .events = answer.body { isHeadSent } else { false }
        }
    }

    /// Chunks written before others on the same event loop get their turn.
    private static let turn = 256
    /// Chunks collected before they are flushed together.
    private static let batch = 32
    /// Between the last chunk and a reset, so that the client has read what was sent before it.
    private static let resetDelay = TimeAmount.milliseconds(20)

    private let log: CallLog
    private let metrics: SimulatorMetrics
    private var progress: Progress?
    private var timer: Scheduled<Void>?
    private var isPumping = false

    init(log: CallLog, metrics: SimulatorMetrics) {
        self.log = log
        self.metrics = metrics
    }

    func begin(_ answer: Answer, keepAlive: Bool, context: ChannelHandlerContext) {
        var answer = answer
        if !keepAlive { answer.headers.add(name: "connection", value: "close") }
        progress = Progress(answer: answer, keepAlive: keepAlive)
        if answer.headDelay > .zero {
            wait(answer.headDelay, context)
        } else {
            pump(context)
        }
    }

    /// The connection is gone. Whoever hangs up pays for what was made until then.
    func clientLeft() {
        timer?.cancel()
        timer = nil
        guard let progress, progress.answer.id != nil else { return }
        self.progress = nil
        if progress.isOpenStream { metrics.streamEnded() }
        // What fell silent has ended before.
        if !progress.isSilent { end(progress, .clientGone, progress.answer.billed(afterChunks: progress.chunks)) }
    }

    /// For the log and the counters, once for each call.
    private func end(_ progress: Progress, _ outcome: SimulatedCall.Outcome, _ usage: SimulatedUsage) {
        guard let id = progress.answer.id, let place = progress.answer.place else { return }
        log.end(id, outcome, usage: usage, status: progress.statusSent)
        metrics.ended(place, outcome, usage)
    }

    /// Writes on for as long as the client keeps up. Called when it has caught up, too.
    func pump(_ context: ChannelHandlerContext) {
        guard !isPumping, timer == nil else { return }
        isPumping = true
        defer { isPumping = false }
        var budget = Self.turn
        while let progress, !progress.isSilent, context.channel.isActive {
            guard budget > 0 else {
                record()
                return wait(.zero, context)
            }
            var unflushed = 0
            var shouldGoOn = true
            while shouldGoOn, unflushed < Self.batch, context.channel.isWritable {
                shouldGoOn = step(context)
                unflushed += 1
            }
            context.flush()
            budget -= unflushed
            guard shouldGoOn, context.channel.isWritable else { break }
        }
        record()
    }

    /// Writes the next piece. False when nothing more is to be written now.
    private func step(_ context: ChannelHandlerContext) -> Bool {
        guard var progress, !progress.isSilent else { return false }
        if !progress.isHeadSent, let fault = progress.answer.fault, fault.after == 0, fault.kind.isOfConnection {
            breakOff(fault.kind, context)
            return false
        }
        if !progress.isHeadSent {
            progress.isHeadSent = true
            let head = HTTPResponseHead(
                version: .http1_1, status: progress.answer.status, headers: progress.answer.headers)
            write(.head(head), context)
            if progress.isOpenStream { metrics.streamBegan() }
        }
        switch progress.answer.body {
        case .whole(let bytes):
            if let fault = progress.answer.fault {
                write(
                    .body(.byteBuffer(bytes.getSlice(at: 0, length: bytes.readableBytes / 2) ?? ByteBuffer())), context)
                self.progress = progress
                breakOff(fault.kind, context)
                return false
            }
            write(.body(.byteBuffer(bytes)), context)
            self.progress = progress
            finish(context, progress.answer.outcome, progress.answer.billed)
            return false
        case .events(let format): return stepEvents(format, &progress, context)
        case .log(let from, let onlyOpen):
            let page = log.calls(from: max(from, progress.logPosition), limit: 512)
            var buffer = context.channel.allocator.buffer(capacity: 256 * 512)
            for call in page.calls where !onlyOpen || call.outcome == .open { call.writeLine(into: &buffer) }
            if buffer.readableBytes > 0 { write(.body(.byteBuffer(buffer)), context) }
            progress.logPosition = page.next ?? 0
            self.progress = progress
            if page.next == nil { finish(context, .completed, SimulatedUsage()) }
            return page.next != nil
        }
    }

    private func stepEvents(
        _ format: any AnswerFormat.Type, _ progress: inout Progress, _ context: ChannelHandlerContext
    ) -> Bool {
        guard let plan = progress.answer.plan else { return false }
        var buffer = context.channel.allocator.buffer(capacity: 512)
        guard progress.isOpeningSent else {
            progress.isOpeningSent = true
            self.progress = progress
            format.opening(plan, into: &buffer)
            write(buffer, split: progress.answer.split, context)
            return true
        }
        if let fault = progress.answer.fault, progress.chunks >= min(fault.after, plan.chunks) {
            switch fault.kind {
            case .hang, .reset: breakOff(fault.kind, context)
            case .end: finish(context, .cut, progress.answer.billed(afterChunks: progress.chunks))
            case .error:
                let dialect = plan.endpoint.dialect ?? .openAI
                write(.body(.byteBuffer(ErrorAnswer.event(dialect, id: plan.id, inArray: plan.isArray))), context)
                finish(context, .error, progress.answer.billed(afterChunks: progress.chunks))
            }
            return false
        }
        guard progress.chunks < plan.chunks else {
            format.closing(plan, into: &buffer)
            write(buffer, split: progress.answer.split, context)
            finish(context, progress.answer.outcome, progress.answer.billed)
            return false
        }
        format.chunk(progress.chunks, plan, into: &buffer)
        write(buffer, split: progress.answer.split, context)
        progress.chunks += 1
        self.progress = progress
        guard progress.answer.chunkDelay > .zero, progress.chunks < plan.chunks else { return true }
        wait(progress.answer.chunkDelay, context)
        return false
    }

    /// Ends the answer. The next request may arrive from inside of the last write, so the state is clean before it.
    private func finish(
        _ context: ChannelHandlerContext, _ outcome: SimulatedCall.Outcome, _ usage: SimulatedUsage
    ) {
        guard let progress else { return }
        self.progress = nil
        isPumping = false
        if progress.isOpenStream { metrics.streamEnded() }
        end(progress, outcome, usage)
        guard !progress.keepAlive else {
            context.writeAndFlush(NIOAny(Part.end(nil)), promise: nil)
            return
        }
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        context.writeAndFlush(NIOAny(Part.end(nil)), promise: promise)
    }

    /// Stops writing, and with `reset` cuts the connection. Before the head nothing was made, so nothing is billed.
    private func breakOff(_ fault: Answer.Fault, _ context: ChannelHandlerContext) {
        guard var progress else { return }
        progress.isSilent = true
        self.progress = progress
        let usage =
            switch progress.answer.body {
            case _ where !progress.isHeadSent: SimulatedUsage()
            case .events: progress.answer.billed(afterChunks: progress.chunks)
            case .whole, .log: progress.answer.billed
            }
        end(progress, fault == .hang ? .hung : .reset, usage)
        guard fault == .reset else { return }
        context.flush()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: Self.resetDelay) {
            // With a linger of zero seconds the kernel sends RST instead of FIN.
            let reset = linger(l_onoff: 1, l_linger: 0)
            guard let socket = context.channel as? any SocketOptionProvider else { return context.close(promise: nil) }
            socket.setSoLinger(reset).assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        }
    }

    /// Tells the log how far a stream has come, so that it can be watched while it runs.
    private func record() {
        guard let progress, let id = progress.answer.id, progress.isHeadSent, !progress.isSilent else { return }
        log.progress(
            id, usage: progress.answer.billed(afterChunks: progress.chunks), status: progress.statusSent)
    }

    private func wait(_ delay: TimeAmount, _ context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: delay) {
            self.timer = nil
            self.pump(context)
        }
    }

    private func write(_ events: ByteBuffer, split: Int?, _ context: ChannelHandlerContext) {
        guard let split else { return write(.body(.byteBuffer(events)), context) }
        var rest = events
        while rest.readableBytes > 0, let piece = rest.readSlice(length: min(split, rest.readableBytes)) {
            write(.body(.byteBuffer(piece)), context)
        }
    }

    private func write(_ part: Part, _ context: ChannelHandlerContext) {
        context.write(NIOAny(part), promise: nil)
    }
}

extension Answer.Fault {
    /// Whether it happens to the connection, and so can come before the head.
    fileprivate var isOfConnection: Bool { self == .hang || self == .reset }
}
