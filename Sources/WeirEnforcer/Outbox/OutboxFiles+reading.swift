import WeirCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What stands in a segment, of this process or an earlier one.
extension OutboxFiles {
    /// What stands in a segment from `start` on.
    struct Content: Sendable {
        struct Row: Sendable {
            /// Where its line begins.
            let start: Int
            let bytes: Int
            let row: OutboxRow
        }

        var rows: [Row] = []
        /// So many lines were not written to their end.
        var fragments = 0
    }

    /// - Parameter first: the number of the row that begins at `start`.
    func content(_ segment: Int, from start: Int = 0, first: Int) throws(OutboxError) -> Content {
        let path = path(segment)
        let bytes = try Self.read(path)
        let lines = bytes.withUnsafeBytes { OutboxLines($0, from: start) }
        var content = Content(fragments: lines.fragments)
        for line in lines.whole {
            let text = Array(bytes[line.bytes])
            do throws(JSONError) {
                let row = try JSONScanner.read(text) { (scanner) throws(JSONError) in
                    try OutboxRow(number: first + content.rows.count, from: &scanner, of: text)
                }
                content.rows.append(.init(start: line.bytes.lowerBound, bytes: text.count + 1, row: row))
            } catch {
                guard line.isAfterGap else {
                    throw Self.damaged(path, line: content.rows.count + content.fragments + 1, error)
                }
                content.fragments += 1
            }
        }
        return content
    }

    private static func read(_ path: String) throws(OutboxError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { throw OutboxError(path, "cannot be opened", errno: errno) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw OutboxError(path, "cannot be examined", errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw OutboxError("outbox \(path) is not a plain file (a link is not followed)")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes {
                pread(file, $0.baseAddress.map { $0 + count }, $0.count - count, off_t(count))
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw OutboxError(path, "cannot be read", errno: errno) }
            if got == 0 { break }
            count += got
        }
        return bytes
    }

    private static func damaged(_ path: String, line: Int, _ error: JSONError) -> OutboxError {
        OutboxError(
            """
            outbox \(path) is damaged: line \(line): \(error). It may hold calls that the ledger does not have, so the node \
            does not start without it. Each line is a settlement in JSON: mend or take out that line; or move the file away, \
            and what only it knew stays uncharged
            """)
    }
}
