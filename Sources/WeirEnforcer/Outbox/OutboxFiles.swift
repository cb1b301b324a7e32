import Dispatch

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The segments of a directory, and the thread on which whatever waits for the disk is done.
struct OutboxFiles: Sendable {
    let directory: String
    private let queue = DispatchQueue(label: "weir.outbox")

    /// Of a row: a name without it is not one of this version's.
    private static let prefix = "settlements-3."

    init(directory: String) { self.directory = directory }

    func path(_ segment: Int) -> String {
        let digits = String(segment)
        return "\(directory)/\(Self.prefix)\(String(repeating: "0", count: max(0, 8 - digits.count)))\(digits)"
    }

    /// Does `body` after what was scheduled before, and returns at once.
    func schedule(_ body: @escaping @Sendable () -> Void) { queue.async(execute: body) }

    /// After what was scheduled before.
    func wait<T: Sendable>(_ body: @escaping @Sendable () -> Result<T, OutboxError>) async throws(OutboxError) -> T {
        try await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: body()) }
        }.get()
    }

    func waitHere(_ body: () -> Void) { queue.sync(execute: body) }

    func make(_ segment: Int, capacity: Int) throws(OutboxError) -> OutboxSegment {
        let made = try OutboxSegment(number: segment, path: path(segment), capacity: capacity)
        try syncDirectory()
        return made
    }

    func remove(_ segment: Int) throws(OutboxError) {
        guard unlink(path(segment)) == 0 || errno == ENOENT else {
            throw OutboxError(path(segment), "cannot be removed", errno: errno)
        }
    }

    /// So that a new file's name outlives a power failure, too.
    private func syncDirectory() throws(OutboxError) {
        let file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { throw OutboxError(directory, "cannot be opened", errno: errno) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw OutboxError(directory, "cannot be synced", errno: errno) }
    }

    /// Which segments are there, in the order of their numbers. Files of another version are an error.
    func segments() throws(OutboxError) -> [Int] {
        guard let entries = opendir(directory) else { throw OutboxError(directory, "cannot be listed", errno: errno) }
        defer { closedir(entries) }
        var segments: [Int] = []
        while let entry = readdir(entries) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasPrefix(Self.prefix), let number = Int(name.dropFirst(Self.prefix.count)), number > 0 {
                segments.append(number)
            } else if name.hasPrefix("settlements-") || name == "outbox.db" {
                throw OutboxError(
                    """
                    outbox \(directory)/\(name) was written by another version of Weir, and this one does not know it: start \
                    the node with that version until the outbox is empty (weir_gateway_outbox_rows is 0), then remove the file
                    """)
            }
        }
        return segments.sorted()
    }
}
