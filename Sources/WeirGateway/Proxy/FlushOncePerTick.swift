import NIOCore

/// Turns all flushes of one tick of the loop into one, at its end.
///
/// The HTTP client flushes a request's head, body and end one by one: without this each call costs two writes to the
/// kernel, two packets, and two wake-ups at the other side.
final class FlushOncePerTick: ChannelOutboundHandler {
    typealias OutboundIn = NIOAny

    private var isScheduled = false

    func flush(context: ChannelHandlerContext) {
        guard !isScheduled else { return }
        isScheduled = true
        context.eventLoop.assumeIsolated().execute {
            self.isScheduled = false
            // A channel that has been closed meanwhile ignores it.
            context.flush()
        }
    }
}
