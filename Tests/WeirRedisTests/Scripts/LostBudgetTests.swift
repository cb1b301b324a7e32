import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

/// A budget that somebody deleted while its shard is ready: lua/lib/record.lua.
@Suite struct LostBudgetTests {
    static let other = ShardBed.counter(.budget(.month), limit: "spend", subject: "user:acme/bob")

    private static func delete(_ key: CounterKey, _ bed: ShardBed) async throws {
        #expect(try await bed.send("DEL", .string(key.key)) == .integer(1))
    }

    private static func isMarked(_ bed: ShardBed) async throws -> Bool {
        try await bed.send("HDEL", .string(RedisKeys.reservations(ShardBed.shard)), .string(RedisKeys.lostField))
            == .integer(1)
    }

    /// All but what a stream remembers of an entry that was taken back.
    private static func everything(_ bed: ShardBed) async throws -> [String: String] {
        try await bed.everything().filter { $0.key != RedisKeys.usage(ShardBed.shard) }
    }

    @Test func `F-R3: whatever would read or change a deleted budget changes nothing, and leaves a mark`() async throws
    {
        try await ShardBed.run { (bed) async throws in
            let spend = ReservationTests.spend
            let entry = AdmitScript.Entry(counter: spend, cost: 10, amount: 1_000)
            let both = [AdmitScript.Entry(counter: Self.other, cost: 5, amount: 1_000), entry]
            func call() -> AdmitScript { ShardBed.admission(both[0], both[1]) }
            let calls = (0..<4).map { _ in call() }
            for call in calls { #expect(try await bed.admit(call).isAdmitted) }
            _ = try await bed.end(.settle, calls[3], units: [5, 10])
            try await Self.delete(spend, bed)
            let before = try await Self.everything(bed)
            let late = ShardBed.startMs + 30_000

            #expect(try await bed.admit(call()) == .lost(nowMs: ShardBed.startMs, limit: 1))
            #expect(try await Self.isMarked(bed))
            #expect(try await bed.end(.settle, calls[0], units: [5, 10]) == .notReady)
            #expect(try await Self.isMarked(bed))
            #expect(try await bed.end(.release, calls[1]) == .notReady)
            #expect(try await Self.isMarked(bed))
            #expect(try await bed.end(.reap, calls[2], units: [5, 10], atMs: late) == .notReady)
            #expect(try await Self.isMarked(bed))
            // A settlement whose reservation is not known here.
            #expect(try await bed.end(.settle, call(), units: [5, 10]) == .notReady)
            #expect(try await Self.isMarked(bed))
            let raised = try await bed.redis.run(
                ScriptCatalogue.raise, keys: [spend.key, RedisKeys.reservations(ShardBed.shard)],
                arguments: [5, .int(late)])
            #expect(raised == .integer(-1))
            #expect(try await Self.isMarked(bed))
            let announced = try await AnnounceScript(
                shard: ShardBed.shard, id: ShardBed.newID(), leaseMs: 20_000, admittedMs: ShardBed.startMs,
                call: Array("{}".utf8), observed: [], limits: [.init(counter: spend, held: 10, amount: 1_000)],
                nowMs: ShardBed.startMs
            ).run(on: bed.redis)
            #expect(announced == .notYet)
            #expect(try await Self.isMarked(bed))

            let peek = try await PeekScript(
                shard: ShardBed.shard, counters: [Self.other, spend], nowMs: ShardBed.startMs
            ).run(on: bed.redis)
            #expect(peek == .lost(nowMs: ShardBed.startMs, counter: 1))
            let trial = ShardBed.admission(both[0], both[1], id: ReservationID.none)
            #expect(try await bed.admit(trial) == .lost(nowMs: ShardBed.startMs, limit: 1))
            #expect(try await !Self.isMarked(bed), "who only asks leaves no mark")

            #expect(try await Self.everything(bed) == before)
            #expect(try await bed.events().count == 1)
            // No other subject suffers.
            let neighbour = ShardBed.admission(both[0])
            #expect(try await bed.admit(neighbour).isAdmitted)
            #expect(try await bed.end(.settle, neighbour, units: [5]) == .ended(skipped: 0))
            #expect(try await bed.peek(Self.other) == [10, 15])
        }
    }

    @Test func `a lost budget is made anew once, and all that waited for it goes on`() async throws {
        try await ShardBed.run { (bed) async throws in
            let spend = ReservationTests.spend
            let entry = AdmitScript.Entry(counter: spend, cost: 10, amount: 30)
            let calls = (0..<3).map { _ in ShardBed.admission(entry) }
            for call in calls { #expect(try await bed.admit(call).isAdmitted) }
            _ = try await bed.end(.settle, calls[2], units: [9])
            try await Self.delete(spend, bed)
            let end = Period.month.containing(ms: ShardBed.startMs).endMs + UTCDay.lengthMs
            func restore(settled: Int) async throws -> RedisValue {
                try await bed.redis.run(
                    ScriptCatalogue.restore,
                    keys: [
                        RedisKeys.epoch(ShardBed.shard), spend.key, RedisKeys.fence(ShardBed.shard),
                        RedisKeys.reservations(ShardBed.shard),
                    ], arguments: ["", 20, .int(settled), .int(end), 1])
            }
            #expect(try await restore(settled: 9) == .integer(1))
            #expect(try await bed.peek(spend) == [9, 20])
            #expect(try await bed.send("PEXPIRETIME", .string(spend.key)) == .integer(end))
            #expect(try await bed.end(.settle, calls[0], units: [3]) == .ended(skipped: 0))
            // A repetition that comes late.
            #expect(try await restore(settled: 9) == .integer(0))
            #expect(try await bed.peek(spend) == [12, 10])
            #expect(try await bed.end(.release, calls[1]) == .ended(skipped: 0))
            #expect(try await bed.peek(spend) == [12, 0])
            #expect(try await bed.admit(ShardBed.admission(entry)).isAdmitted)
            #expect(try await !bed.admit(ShardBed.admission(entry)).isAdmitted)
        }
    }

    @Test func `without the list of budgets none is taken for new`() async throws {
        try await ShardBed.run { (bed) async throws in
            let spend = ReservationTests.spend
            let entry = AdmitScript.Entry(counter: spend, cost: 10, amount: 30)
            #expect(try await bed.admit(ShardBed.admission(entry)).isAdmitted)
            try await bed.send("DEL", .string(RedisKeys.reservations(ShardBed.shard)), .string(spend.key))
            #expect(try await bed.admit(ShardBed.admission(entry)) == .lost(nowMs: ShardBed.startMs, limit: 0))
            try await bed.makeReady()
            #expect(try await bed.admit(ShardBed.admission(entry)).isAdmitted)
        }
    }

    @Test func `a budget that has expired need not be there`() async throws {
        try await ShardBed.run { (bed) async throws in
            let call = ReservationTests.call()
            _ = try await bed.admit(call)
            _ = try await bed.end(.settle, call, units: [1, 1, 1, 1])
            let list = RedisArgument.string(RedisKeys.reservations(ShardBed.shard))
            let key = RedisArgument.string(ReservationTests.spend.key)
            let end = Period.month.containing(ms: ShardBed.startMs).endMs + UTCDay.lengthMs
            #expect(try await bed.send("HGET", list, key).number == end)
            _ = try await ExpiredTests.step(bed, atMs: end - 1)
            #expect(try await bed.send("HEXISTS", list, key) == .integer(1))
            _ = try await ExpiredTests.step(bed, atMs: end)
            #expect(try await bed.send("HEXISTS", list, key) == .integer(0))
            #expect(try await bed.send("HEXISTS", list, .string(RedisKeys.readyField)) == .integer(1))
        }
    }
}
