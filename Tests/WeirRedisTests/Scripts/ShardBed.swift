import NIOCore
import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

/// One shard of a private Redis, and scripts run at fixed times.
struct ShardBed: Sendable {
    static let shard = Shard(number: 7)
    /// Far ahead, so that what scripts let expire at a fixed time does not expire at once. Mid-day: 2050-06-28.
    static let startMs = 2_540_030_400_000

    let server: RedisServer
    /// For what a test does itself.
    let redis: RedisConnection
    /// For what a gateway does, and an aggregator, with the rights that they have.
    let gateway: RedisConnection
    let aggregator: RedisConnection

    let database: Int

    /// - Parameter isAlone: on a server of its own, to change how it is configured.
    nonisolated(nonsending) static func run<Result>(
        isReady: Bool = true, isAlone: Bool = false, _ body: (ShardBed) async throws -> Result
    ) async throws -> Result {
        if isAlone { return try await withRedis { try await run(isReady, $0, database: 0, body) } }
        let (server, database) = try await SharedRedis.shared.take()
        do {
            let result = try await run(isReady, server, database: database, body)
            await SharedRedis.shared.giveBack(database)
            return result
        } catch {
            await SharedRedis.shared.giveBack(database)
            throw error
        }
    }

    nonisolated(nonsending) private static func run<Result>(
        _ isReady: Bool, _ server: RedisServer, database: Int, _ body: (ShardBed) async throws -> Result
    ) async throws -> Result {
        let adjust: (inout RedisConfiguration) -> Void = { configuration in
            configuration.database = database
            configuration.commandDeadline = .seconds(30)
        }
        return try await withProcesses(of: server, adjust: adjust) { redis, gateway, aggregator in
            let bed = ShardBed(
                server: server, redis: redis, gateway: gateway, aggregator: aggregator, database: database)
            try await bed.send("FLUSHDB")
            if isReady { try await bed.makeReady() }
            return try await body(bed)
        }
    }

    func makeReady() async throws { try await open(Self.shard, epoch: "test", of: redis) }

    @discardableResult
    func send(_ command: RedisArgument...) async throws -> RedisValue { try await redis.send(command) }

    static func counter(_ counter: Counter, limit: String = "limit", subject: String = "user:acme/alice") -> CounterKey
    {
        CounterKey(shard: shard, limit: limit, subject: subject, counter: counter, atMs: startMs)
    }

    static func newID(atMs: Int = startMs) -> ReservationID {
        var generator = SystemRandomNumberGenerator()
        return ReservationID(birthMs: atMs, using: &generator)
    }

    static func admission(
        _ limits: AdmitScript.Entry..., id: ReservationID? = nil, atMs: Int = startMs, leaseMs: Int = 20_000
    ) -> AdmitScript {
        AdmitScript(
            shard: shard, id: id ?? newID(atMs: atMs), namedAtMs: atMs, leaseMs: leaseMs, call: Array("{}".utf8),
            limits: limits, nowMs: atMs)
    }

    func admit(_ script: AdmitScript) async throws -> AdmitScript.Reply { try await script.run(on: gateway) }

    /// - Parameter units: really used, one for each limit of the admission.
    func end(
        _ end: EndScript.End, _ call: AdmitScript, units: [Int] = [], event: String = "event", atMs: Int = startMs
    ) async throws -> EndScript.Reply {
        try await EndScript(
            end, shard: Self.shard, id: call.id, event: Array(event.utf8),
            counters: call.limits.enumerated().map { index, entry in
                (entry.counter, units.indices.contains(index) ? units[index] : 0)
            }, nowMs: atMs
        ).run(on: end == .reap ? aggregator : gateway)
    }

    func renew(_ call: AdmitScript, atMs: Int = startMs, leaseMs: Int = 20_000) async throws -> RenewScript.Reply {
        try await RenewScript(
            shard: Self.shard, id: call.id, leaseMs: leaseMs, observed: Array("{}".utf8),
            inFlight: call.limits.filter { $0.counter.counter == .inFlight }.map(\.counter.key), nowMs: atMs
        ).run(on: gateway)
    }

    /// lua/peek.lua: used and reserved of each counter; nil when not ready.
    func peek(_ counters: CounterKey..., atMs: Int = startMs) async throws -> [Int]? {
        switch try await PeekScript(shard: Self.shard, counters: counters, nowMs: atMs).run(on: gateway) {
        case .read(_, let readings): readings.flatMap { [$0.used, $0.reserved] }
        case .notReady, .lost: nil
        }
    }

    /// The texts of the events in the stream, oldest first.
    func events() async throws -> [String] {
        guard case .array(let entries) = try await send("XRANGE", .string(RedisKeys.usage(Self.shard)), "-", "+") else {
            return []
        }
        return entries.compactMap { entry in
            guard case .array(let parts) = entry, case .array(let fields) = parts[1], case .bulk(let text) = fields[1]
            else { return nil }
            return String(buffer: text)
        }
    }

    func field(_ key: String, _ name: String) async throws -> Int {
        try await send("HGET", .string(key), .string(name)).number
    }

    /// Every key with its type, value and expiry, byte by byte.
    func everything() async throws -> [String: String] {
        let script = """
            local all = {}
            for _, key in ipairs(redis.call('KEYS', '*')) do
                all[#all + 1] = key
                all[#all + 1] = redis.sha1hex(redis.call('DUMP', key)) .. redis.call('PEXPIRETIME', key)
            end
            return all
            """
        guard case .array(let parts) = try await send("EVAL", .string(script), 0) else { return [:] }
        var values: [String: String] = [:]
        for i in stride(from: 0, to: parts.count - 1, by: 2) {
            if case .bulk(let key) = parts[i], case .bulk(let value) = parts[i + 1] {
                values[String(buffer: key)] = String(buffer: value)
            }
        }
        return values
    }
}

extension AdmitScript.Reply {
    var isAdmitted: Bool { if case .admitted = self { true } else { false } }
}
