#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The directory of one node's outbox: nobody else's, and locked against a second process until ``unlock()``.
final class OutboxDirectory: Sendable {
    let path: String
    var file: String { path + "/outbox.db" }
    /// Its lock ends with the process, however that ends.
    private let lock: Int32

    /// Makes the directory if it is not there; its parent must be.
    init(_ path: String) throws(OutboxError) {
        self.path = path
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw Self.problem(path, "cannot be made", errno) }
        // No link: whoever may write beside it could point it elsewhere.
        let directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard directory >= 0 else {
            switch errno {
            case ENOTDIR, ELOOP: throw OutboxError("outbox \(path) is not a directory (a link is not followed)")
            default: throw Self.problem(path, "cannot be opened", errno)
            }
        }
        defer { close(directory) }
        var status = stat()
        guard fstat(directory, &status) == 0 else { throw Self.problem(path, "cannot be examined", errno) }
        guard status.st_uid == geteuid() else {
            throw OutboxError(
                "outbox \(path) belongs to user \(status.st_uid), and this process runs as \(geteuid()): chown it, or use another"
            )
        }
        guard status.st_mode & 0o077 == 0 else {
            throw OutboxError("outbox \(path) can be entered by others: chmod 700 \(path)")
        }
        try Self.requirePrivateFiles(in: directory, path)
        // Becomes this object's own last: an object that has all it needs is taken down when its making fails, which would
        // close the lock twice, and the second time maybe somebody else's file.
        let lock = openat(directory, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw Self.problem(path + "/lock", "cannot be opened", errno) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(lock)
            guard code == EWOULDBLOCK else { throw Self.problem(path + "/lock", "cannot be locked", code) }
            throw OutboxError("outbox \(path) is in use by another process: each node needs a directory of its own")
        }
        // Readable by its owner alone from the first byte; SQLite gives -wal and -shm the same mode.
        let file = openat(directory, "outbox.db", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            let code = errno
            close(lock)
            throw Self.problem(path + "/outbox.db", "cannot be opened for writing", code)
        }
        close(file)
        self.lock = lock
    }

    deinit { close(lock) }

    func unlock() { flock(lock, LOCK_UN) }

    private static func requirePrivateFiles(in directory: Int32, _ path: String) throws(OutboxError) {
        for name in ["outbox.db", "outbox.db-wal", "outbox.db-shm", "lock"] {
            var status = stat()
            guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw OutboxError("outbox \(path)/\(name) is not a plain file (a link is not followed)")
            }
        }
    }

    private static func problem(_ path: String, _ what: String, _ code: Int32) -> OutboxError {
        OutboxError("outbox \(path) \(what): \(String(cString: strerror(code)))")
    }
}
