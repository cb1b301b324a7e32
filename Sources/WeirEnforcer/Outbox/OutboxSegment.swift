#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
import Synchronization

/// A file of the outbox, of fixed length and in this process's memory: lines, one settlement each, then zeros.
///
/// A line is kept as soon as it is copied: the memory is the system's copy of the file, which outlives the process,
/// however that dies. No call waits for the disk, nor for another thread. The file is written with zeros first, so that
/// the disk has room for whatever is copied.
final class OutboxSegment: Sendable {
    /// Of most segments. A node that ends a thousand calls a second fills three in two seconds.
    static let standardBytes = 1 << 20

    let number: Int
    let path: String
    let capacity: Int
    private let file: Int32
    /// Where the file is in memory: this object's own until `deinit`. Unsafe, since no lock here guards what stands there:
    /// whoever holds the outbox's lock writes to the current segment, and the thread of the files to all others.
    private nonisolated(unsafe) let base: UnsafeMutableRawPointer

    /// Makes the file; there must be none of that name.
    init(number: Int, path: String, capacity: Int) throws(OutboxError) {
        let file = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw OutboxError(path, "cannot be made", errno: errno) }
        // Nothing is this object's own before all has gone well: see ``OutboxDirectory``.
        func giveUp(_ what: String, _ code: Int32) -> OutboxError {
            close(file)
            unlink(path)
            return OutboxError(path, what, errno: code)
        }
        let zeros = [UInt8](repeating: 0, count: min(capacity, 1 << 16))
        var written = 0
        while written < capacity {
            let count = write(file, zeros, min(zeros.count, capacity - written))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw giveUp("cannot be written", errno) }
            written += count
        }
        guard fsync(file) == 0 else { throw giveUp("cannot be synced", errno) }
        let base = mmap(nil, capacity, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
        guard let base, base != MAP_FAILED else { throw giveUp("cannot be mapped into memory", errno) }
        (self.number, self.path, self.capacity) = (number, path, capacity)
        (self.file, self.base) = (file, base)
        touch()
    }

    deinit {
        munmap(base, capacity)
        close(file)
    }

    /// So that it is now that the system makes each page writable, and not when a call ends.
    private func touch() {
        for offset in stride(from: 0, to: capacity, by: 4096) {
            base.storeBytes(of: 0, toByteOffset: offset, as: UInt8.self)
        }
    }

    /// - Parameter line: ends in a newline, holds no other and no zero; there is room for it.
    func append(_ line: [UInt8], at offset: Int) {
        precondition(offset >= 0 && line.count <= capacity - offset, "no room")
        line.withUnsafeBytes { line in
            guard line.count > 1, let bytes = line.baseAddress else { return }
            let place = base + offset
            (place + 1).copyMemory(from: bytes + 1, byteCount: line.count - 1)
            // A line without its first byte was not written to its end.
            atomicMemoryFence(ordering: .releasing)
            place.copyMemory(from: bytes, byteCount: 1)
        }
    }

    /// Makes zeros of its lines, on the disk, too: what is read after a power failure is this segment's or nothing.
    func clear(_ used: Int) throws(OutboxError) {
        memset(base, 0, min(used, capacity))
        try sync()
    }

    func sync() throws(OutboxError) {
        guard fdatasync(file) == 0 else { throw OutboxError(path, "cannot be synced", errno: errno) }
    }
}
