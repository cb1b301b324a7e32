import Testing

/// The built `weir` as real processes. What the ledger and Redis say is compared with the simulator's own log.
///
/// One suite after the other: each has the machine's few cores for its own processes.
@Suite(.serialized) enum EndToEnd {
    /// Suites that leave all processes alone share one stack; each has teams of its own.
    @Suite(.stack) enum OneStack {}

    /// Suites that kill, stop and replace processes of another stack, whose leases are short.
    @Suite(.stack(environment: ["WEIR_REDIS_DEADLINE_MS": "500", "WEIR_LEASE": "2s"])) enum Faults {}
}
