import NIOCore

/// A request's body as it comes in, and the one who waits for its end.
struct RequestBody {
    private enum State {
        case arriving
        case whole
        case refused(Refusal)
    }

    private var state = State.arriving
    private var bytes: ByteBuffer?
    private var waiter: UnsafeContinuation<Result<ByteBuffer, Refusal>, Never>?
    /// Bytes taken in, whether or not they are still held.
    private(set) var count = 0
    private(set) var lastProgress = NIODeadline.now()

    /// True once the client has sent all of it.
    private(set) var isWhole = false

    mutating func append(_ more: ByteBuffer) {
        guard case .arriving = state else { return }
        count += more.readableBytes
        lastProgress = .now()
        if bytes == nil { bytes = more } else { bytes?.writeImmutableBuffer(more) }
    }

    mutating func end() {
        isWhole = true
        guard case .arriving = state else { return }
        state = .whole
        finish(.success(bytes ?? ByteBuffer()))
    }

    mutating func refuse(_ refusal: Refusal) {
        guard case .arriving = state else { return }
        state = .refused(refusal)
        finish(.failure(refusal))
    }

    private mutating func finish(_ result: Result<ByteBuffer, Refusal>) {
        waiter?.resume(returning: result)
        waiter = nil
    }

    /// What it holds already, or nil when somebody has to wait for it.
    var result: Result<ByteBuffer, Refusal>? {
        switch state {
        case .arriving: nil
        case .whole: .success(bytes ?? ByteBuffer())
        case .refused(let refusal): .failure(refusal)
        }
    }

    mutating func wait(_ continuation: UnsafeContinuation<Result<ByteBuffer, Refusal>, Never>) {
        waiter = continuation
    }

    /// Lets go of the bytes, and says how many they were.
    mutating func giveUp() -> Int {
        bytes = nil
        let held = count
        count = 0
        return held
    }
}
