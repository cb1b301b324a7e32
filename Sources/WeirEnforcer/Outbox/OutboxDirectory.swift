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
    /// Its lock ends with the process, however that ends.
    private let lock: Int32

    /// Makes the directory if it is not there; its parent must be.
    init(_ path: String) throws(OutboxError) {
        self.path = path
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw OutboxError(path, "cannot be made", errno: errno) }
        // No link: whoever may write beside it could point it elsewhere.
        let directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard directory >= 0 else {
            switch errno {
            case ENOTDIR, ELOOP: throw OutboxError("outbox \(path) is not a directory (a link is not followed)")
            default: throw OutboxError(path, "cannot be opened", errno: errno)
            }
        }
        defer { close(directory) }
        var status = stat()
        guard fstat(directory, &status) == 0 else { throw OutboxError(path, "cannot be examined", errno: errno) }
        guard status.st_uid == geteuid() else {
            throw OutboxError(
                "outbox \(path) belongs to user \(status.st_uid), and this process runs as \(geteuid()): chown it, or use another"
            )
        }
        guard status.st_mode & 0o077 == 0 else {
            throw OutboxError("outbox \(path) can be entered by others: chmod 700 \(path)")
        }
        // Becomes this object's own last: an object that has all it needs is taken down when its making fails, which would
        // close the lock twice, and the second time maybe somebody else's file.
        let lock = openat(directory, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw OutboxError(path + "/lock", "cannot be opened", errno: errno) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(lock)
            guard code == EWOULDBLOCK else { throw OutboxError(path + "/lock", "cannot be locked", errno: code) }
            throw OutboxError("outbox \(path) is in use by another process: each node needs a directory of its own")
        }
        self.lock = lock
    }

    deinit { close(lock) }

    func unlock() { flock(lock, LOCK_UN) }
}
