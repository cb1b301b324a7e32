import WeirRedis
import WeirTestSupport

/// One server for all tests of scripts, each in a database of its own: to start a server for each of their many cases
/// would take longer than the cases. It ends with the process.
actor SharedRedis {
    static let shared = SharedRedis()

    private var starting: Task<RedisServer, any Error>?
    /// Databases that no test uses now. Few, so that no case waits for its replies behind dozens of others.
    private var free = [0, 1, 2, 3]
    private var waiting: [CheckedContinuation<Int, Never>] = []

    /// The server and an empty database of it.
    func take() async throws -> (RedisServer, database: Int) {
        let starting = starting ?? Task { try await RedisServer.start() }
        self.starting = starting
        let server = try await starting.value
        if let database = free.popLast() { return (server, database) }
        return (server, await withCheckedContinuation { waiting.append($0) })
    }

    func giveBack(_ database: Int) {
        if waiting.isEmpty { free.append(database) } else { waiting.removeFirst().resume(returning: database) }
    }
}
