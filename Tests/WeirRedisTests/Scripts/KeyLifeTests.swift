import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

/// Nothing stays in Redis for ever but what must.
@Suite struct KeyLifeTests {
    static let permanent: Set<String> = [
        RedisKeys.epoch(ShardBed.shard), RedisKeys.reservations(ShardBed.shard), RedisKeys.usage(ShardBed.shard),
    ]

    /// Milliseconds that each key of a subject still lives; -1: for ever.
    static func lives(_ bed: ShardBed) async throws -> [String: Int] {
        var lives: [String: Int] = [:]
        for key in try await bed.everything().keys where !permanent.contains(key) {
            lives[key] = try await bed.send("PTTL", .string(key)).number
        }
        return lives
    }

    @Test func `every counter expires, whatever has happened to it`() async throws {
        try await ShardBed.run { (bed) async throws in
            func expectExpiry(_ what: String, count: Int? = 4) async throws {
                let lives = try await Self.lives(bed)
                if let count { #expect(lives.count == count, "\(what)") }
                for (key, life) in lives { #expect(life > 0, "\(what): \(key)") }
            }
            let calls = (0..<6).map { _ in ReservationTests.call() }
            for call in calls { _ = try await bed.admit(call) }
            try await expectExpiry("admitted")
            _ = try await bed.renew(calls[0])
            _ = try await bed.end(.settle, calls[0], units: [1, 50, 50, 1])
            _ = try await bed.end(.release, calls[1])
            _ = try await bed.end(.reap, calls[2], units: [1, 5, 5, 1], atMs: ShardBed.startMs + 30_000)
            try await expectExpiry("ended")
            // The counters are lost, and the calls end afterwards.
            for (round, call) in calls[2..<6].enumerated() {
                for key in try await Self.lives(bed).keys {
                    try await bed.send("DEL", .string(key))
                    // As after a loss of all: nobody knows any more that there was one.
                    try await bed.send("HDEL", .string(RedisKeys.reservations(ShardBed.shard)), .string(key))
                }
                switch round {
                // An orphan, charged less than before.
                case 0: _ = try await bed.end(.settle, call, units: [1, 1, 1, 1])
                case 1: _ = try await bed.end(.settle, call, units: [1, 0, 0, 1])
                case 2: _ = try await bed.end(.release, call)
                default: _ = try await bed.renew(call)
                }
                try await expectExpiry("lost, round \(round)", count: nil)
                let money = try await bed.peek(ReservationTests.spend)
                #expect(money == [0, 0], "round \(round)")
            }
        }
    }

    @Test func `a window lives longer than it counts, and at most twice as long and a second`() async throws {
        try await ShardBed.run { (bed) async throws in
            for counter in [Counter.log(windowMs: 60_000), .ring(windowMs: 60_000)] {
                let key = ShardBed.counter(counter)
                _ = try await bed.admit(ShardBed.admission(.init(counter: key, cost: 1, amount: 5)))
                let life = try await bed.send("PTTL", .string(key.key)).number
                #expect((60_000 - 20_000...121_000).contains(life))
                try await bed.send("DEL", .string(key.key))
            }
        }
    }

    @Test func `a budget lives for a day after its period, for calls that settle late`() async throws {
        try await ShardBed.run { (bed) async throws in
            let call = ReservationTests.call()
            _ = try await bed.admit(call)
            let end = Period.month.containing(ms: ShardBed.startMs).endMs + UTCDay.lengthMs
            #expect(try await bed.send("PEXPIRETIME", .string(ReservationTests.spend.key)) == .integer(end))
            _ = try await bed.end(.settle, call, units: [1, 9, 9, 1])
            #expect(try await bed.send("PEXPIRETIME", .string(ReservationTests.spend.key)) == .integer(end))
        }
    }

    @Test func `a log forgets what has left its window, in bounded steps`() async throws {
        try await ShardBed.run { (bed) async throws in
            let entry = AdmitScript.Entry(counter: ReservationTests.log, cost: 1, amount: 100)
            for _ in 0..<100 { _ = try await bed.admit(ShardBed.admission(entry)) }
            let later = ShardBed.startMs + 3_600_000
            for expected in [37, 2, 3] {
                _ = try await bed.admit(ShardBed.admission(entry, atMs: later))
                let count = try await bed.send("ZCARD", .string(entry.counter.key)).number
                #expect(count <= expected)
            }
        }
    }
}
