import Glibc

/// How many files and sockets this process may have open.
enum OpenFiles {
    /// Raises the soft bound, commonly 1,024, to the hard one: each call takes two sockets, the client's and the
    /// provider's.
    ///
    /// - Returns: how many it may have open now; nil: the system does not say.
    @discardableResult
    static func raiseBound() -> Int? {
        var bound = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &bound) == 0 else { return nil }
        let now = bound.rlim_cur
        bound.rlim_cur = bound.rlim_max
        guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &bound) == 0 else { return Int(clamping: now) }
        return Int(clamping: bound.rlim_cur)
    }
}
