import CHiredis
import NIOCore

/// hiredis's incremental RESP2 parser and the memory it holds; freed with this value.
struct RedisReplyReader: ~Copyable {
    /// A reply that needs more than this many bytes (64 MiB) ends the connection: no command of ours asks for one.
    static let maximumReplyBytes = 64 << 20

    private let reader: UnsafeMutablePointer<redisReader>
    /// Owned here; hiredis has an unowned pointer to it, which ends with `reader`.
    private let builder = RedisReplyBuilder()

    /// - Throws: ``RedisError/unavailable(reason:)`` when there is no memory.
    init() throws(RedisError) {
        guard let reader = redisReaderCreateWithFunctions(RedisReplyBuilder.functions) else {
            throw .unavailable(reason: "no memory for a reply reader")
        }
        // Up to so much of an empty buffer is kept between replies. With hiredis's own 16 KiB it would be freed and
        // allocated anew for each large batch; without a limit one huge reply would keep its memory for ever.
        reader.pointee.maxbuf = 1 << 20
        reader.pointee.privdata = Unmanaged.passUnretained(builder).toOpaque()
        self.reader = reader
    }

    deinit { redisReaderFree(reader) }

    /// Takes bytes as they came, cut anywhere.
    mutating func feed(_ bytes: ByteBuffer) throws(RedisError) {
        let result = bytes.withUnsafeReadableBytes { raw in
            redisReaderFeed(reader, raw.baseAddress?.assumingMemoryBound(to: CChar.self), raw.count)
        }
        guard result == REDIS_OK else { throw violation }
    }

    /// The next complete reply, or nil until more bytes come.
    ///
    /// - Throws: ``RedisError/protocolViolation(_:)``, after which the reader is of no further use. Arrays nested more
    ///   than seven deep are a violation too: hiredis 0.14 does not go deeper, and no command of ours answers so.
    mutating func next() throws(RedisError) -> RedisValue? {
        var reply: UnsafeMutableRawPointer?
        guard redisReaderGetReply(reader, &reply) == REDIS_OK else { throw violation }
        guard reply != nil else {
            guard reader.pointee.len <= Self.maximumReplyBytes else {
                throw .protocolViolation("a reply of more than \(Self.maximumReplyBytes) bytes")
            }
            return nil
        }
        return builder.take()
    }

    /// hiredis quotes at most one byte of the input in its message.
    private var violation: RedisError {
        withUnsafeBytes(of: reader.pointee.errstr) { raw in
            .protocolViolation(String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self))
        }
    }
}
