import CHiredis
import NIOCore

/// Puts one reply together from the pieces that hiredis finds, in the order in which they stand on the wire.
///
/// Arrays are kept open on a stack until their last element came. Nothing of it is left to hiredis's own reply
/// objects, so a reply is built once, and an announced length alone allocates nothing to speak of.
final class RedisReplyBuilder {
    private struct OpenArray {
        let expected: Int
        var values: [RedisValue]
    }

    private var open: [OpenArray] = []
    private var finished: RedisValue?

    /// The reply that is complete, once.
    func take() -> RedisValue? {
        defer { finished = nil }
        return finished
    }

    fileprivate func add(_ piece: RedisValue) {
        var value = piece
        while let last = open.indices.last {
            open[last].values.append(value)
            guard open[last].values.count == open[last].expected else { return }
            value = .array(open.removeLast().values)
        }
        finished = value
    }

    fileprivate func beginArray(of count: Int) {
        guard count > 0 else { return add(.array([])) }
        var values: [RedisValue] = []
        values.reserveCapacity(min(count, 256))
        open.append(OpenArray(expected: count, values: values))
    }

    /// The callbacks for `redisReaderCreateWithFunctions`. Each finds its builder in `privdata` and returns it, since
    /// hiredis takes null for "out of memory" and otherwise only hands the pointer around. Nothing is owned by it.
    ///
    /// Safe to share: written here, once, and only read by hiredis; it lives as long as the process.
    nonisolated(unsafe) static let functions: UnsafeMutablePointer<redisReplyObjectFunctions> = {
        let functions = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
        functions.initialize(
            to: redisReplyObjectFunctions(
                createString: { task, bytes, length in
                    guard let task, let bytes else { return nil }
                    let raw = UnsafeRawBufferPointer(start: bytes, count: length)
                    return RedisReplyBuilder.building(task) { builder in
                        switch task.pointee.type {
                        case REDIS_REPLY_STATUS: builder.add(.status(String(decoding: raw, as: UTF8.self)))
                        case REDIS_REPLY_ERROR: builder.add(.error(String(decoding: raw, as: UTF8.self)))
                        default: builder.add(.bulk(ByteBuffer(bytes: raw)))
                        }
                    }
                },
                createArray: { task, count in
                    RedisReplyBuilder.building(task) { $0.beginArray(of: Int(count)) }
                },
                createInteger: { task, number in
                    RedisReplyBuilder.building(task) { $0.add(.integer(Int(number))) }
                },
                createNil: { task in RedisReplyBuilder.building(task) { $0.add(.null) } },
                freeObject: nil))
        return functions
    }()

    private static func building(
        _ task: UnsafePointer<redisReadTask>?, _ body: (RedisReplyBuilder) -> Void
    ) -> UnsafeMutableRawPointer? {
        guard let data = task?.pointee.privdata else { return nil }
        body(Unmanaged<RedisReplyBuilder>.fromOpaque(data).takeUnretainedValue())
        return data
    }
}
