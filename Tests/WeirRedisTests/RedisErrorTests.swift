import Testing

@testable import WeirRedis

@Suite struct RedisErrorTests {
    enum Kind { case busy, refused, configuration, ours }

    @Test(arguments: [
        ("LOADING Redis is loading the dataset in memory", Kind.busy),
        ("BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", .busy),
        ("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", .busy),
        ("CLUSTERDOWN The cluster is down", .busy), ("TRYAGAIN Multiple keys request during rehashing of slot", .busy),
        ("OOM command not allowed when used memory > 'maxmemory'.", .refused),
        ("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", .refused),
        ("READONLY You can't write against a read only replica.", .refused),
        ("NOREPLICAS Not enough good replicas to write.", .refused),
        ("NOAUTH Authentication required.", .configuration),
        ("WRONGPASS invalid username-password pair or user is disabled.", .configuration),
        ("NOPERM this user has no permissions to run the 'set' command", .configuration),
        ("CROSSSLOT Keys in request don't hash to the same slot", .configuration),
        ("MOVED 3999 127.0.0.1:6381", .configuration), ("ASK 3999 127.0.0.1:6381", .configuration),
        ("DENIED Redis is running in protected mode", .configuration),
        ("ERR max number of clients reached", .configuration), ("ERR DB index is out of range", .configuration),
        ("ERR AUTH <password> called without any password configured for the default user.", .configuration),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", .ours),
        ("BUSYGROUP Consumer Group name already exists", .ours), ("NOSCRIPT No matching script.", .ours),
        ("ERR Error running script", .ours), ("ERR", .ours), ("", .ours), ("OOMPH", .ours),
    ])
    func `an error reply becomes what its first word means`(reply: String, kind: Kind) {
        let expected: RedisError =
            switch kind {
            case .busy: .serverBusy(reply)
            case .refused: .writeRefused(reply)
            case .configuration: .configuration(reply)
            case .ours: .server(reply)
            }
        #expect(RedisError(reply: reply) == expected)
    }

    @Test func `arguments that Redis repeats are cut off`() {
        let reply = "ERR unknown command 'FOO', with args beginning with: 'weir:api-key:secret' "
        #expect(RedisError(reply: reply) == .server("ERR unknown command 'FOO'"))
        #expect(RedisError(reply: String(repeating: "x", count: 5000)) == .server(String(repeating: "x", count: 256)))
    }
}
