import CHiredis
import NIOCore

/// Writes commands as RESP with hiredis's formatter. Keeps its scratch memory from command to command.
struct RedisCommandFormatter {
    private var scratch = ByteBuffer()
    private var lengths: [Int] = []
    private var pointers: [UnsafePointer<CChar>?] = []

    /// Appends `command` to `output`.
    ///
    /// - Throws: ``RedisError/unavailable(reason:)`` when there is no memory; `output` is unchanged.
    mutating func append(_ command: [RedisArgument], to output: inout ByteBuffer) throws(RedisError) {
        scratch.clear()
        lengths.removeAll(keepingCapacity: true)
        for argument in command {
            switch argument {
            case .string(let text): lengths.append(scratch.writeString(text))
            case .bytes(let bytes): lengths.append(scratch.writeBytes(bytes))
            case .buffer(let buffer): lengths.append(scratch.writeImmutableBuffer(buffer))
            case .int(let number): lengths.append(scratch.writeString(String(number)))
            }
        }
        // The pointers are made last: scratch moves while it grows.
        var target: UnsafeMutablePointer<CChar>?
        let arguments = scratch
        let count = arguments.withUnsafeReadableBytes { raw in
            pointers.removeAll(keepingCapacity: true)
            var start = raw.baseAddress?.assumingMemoryBound(to: CChar.self)
            for length in lengths {
                pointers.append(start)
                start = start?.advanced(by: length)
            }
            return redisFormatCommandArgv(&target, Int32(clamping: lengths.count), &pointers, lengths)
        }
        guard count >= 0, let target else { throw .unavailable(reason: "no memory for a command") }
        output.writeBytes(UnsafeRawBufferPointer(start: target, count: Int(count)))
        redisFreeCommand(target)
    }
}
