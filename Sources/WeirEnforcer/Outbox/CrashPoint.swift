#if DEBUG
    #if canImport(Glibc)
        import Glibc
    #elseif canImport(Musl)
        import Musl
    #elseif canImport(Darwin)
        import Darwin
    #endif

    /// A moment at which a process under test kills itself, as `kill -9` would. Not in release builds.
    package enum CrashPoint: String, Sendable {
        /// The provider has answered and the outbox has the settlement; Redis has not.
        case beforeSettlement = "before-settlement"

        /// The aggregator's ledger has new events; their streams still hold them as not acknowledged.
        case afterCommit = "after-commit"

        package static func die() -> Never {
            kill(getpid(), SIGKILL)
            // The signal is on its way.
            while true { pause() }
        }
    }
#endif
