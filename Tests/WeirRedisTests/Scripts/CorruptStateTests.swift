import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

/// Keys that hold what Weir did not write.
@Suite struct CorruptStateTests {
    static let counters: [Counter] = [.log(windowMs: 60_000), .ring(windowMs: 60_000), .budget(.day), .inFlight]

    nonisolated(nonsending) static func isServerError(_ body: () async throws -> Void) async -> Bool {
        do {
            try await body()
            return false
        } catch RedisError.server(let text) {
            return !text.contains("attempt to")
        } catch {
            return false
        }
    }

    @Test(arguments: counters)
    func `F-R14: a counter of a foreign type admits nothing, and a settlement passes it by`(counter: Counter)
        async throws
    {
        try await ShardBed.run { (bed) async throws in
            let key = ShardBed.counter(counter)
            let other = ShardBed.counter(.budget(.month), limit: "other")
            func call() -> AdmitScript {
                ShardBed.admission(
                    .init(counter: other, cost: 5, amount: 100), .init(counter: key, cost: 1, amount: 5))
            }
            let held = [call(), call(), call()]
            for call in held { #expect(try await bed.admit(call).isAdmitted) }
            try await bed.send("DEL", .string(key.key))
            for write: [RedisArgument] in [["SET", .string(key.key), "text"], ["RPUSH", .string(key.key), "1"]] {
                try await bed.send("DEL", .string(key.key))
                _ = try await bed.redis.send(write)
                let before = try await bed.everything()
                await expectServerError { _ = try await bed.admit(call()) }
                await expectServerError { _ = try await bed.peek(key) }
                #expect(try await bed.everything() == before)
            }
            // A log has nothing to correct in a settlement, a ring has.
            let skipped =
                switch counter {
                case .log: 0
                default: 1
                }
            #expect(try await bed.end(.settle, held[0], units: [3, 2]) == .ended(skipped: skipped))
            #expect(try await bed.end(.release, held[1]) == .ended(skipped: 1))
            #expect(try await bed.renew(held[2]) == .renewed)
            #expect(try await bed.end(.settle, held[2], units: [4, 2], event: "last") == .ended(skipped: skipped))
            #expect(try await bed.peek(other) == [7, 0])
            #expect(try await bed.events() == ["event", "last"])
        }
    }

    static let garbage = [
        "abc", "", "1.5", "-1", "0x10", " 5", "5 ", "007", "1e3", "nan", "inf", "99999999999999999999",
    ]

    @Test(arguments: garbage)
    func `a budget with a field that is no number admits nothing`(text: String) async throws {
        try await ShardBed.run { (bed) async throws in
            let key = ShardBed.counter(.budget(.day))
            for field: RedisArgument in ["settled", "reserved"] {
                let call = ShardBed.admission(.init(counter: key, cost: 1, amount: 100))
                #expect(try await bed.admit(call).isAdmitted)
                try await bed.send("HSET", .string(key.key), field, .string(text))
                let before = try await bed.everything()
                for amount in [100, 0] {
                    let next = ShardBed.admission(.init(counter: key, cost: 1, amount: amount))
                    await expectServerError { _ = try await bed.admit(next) }
                }
                await expectServerError { _ = try await bed.peek(key) }
                #expect(try await bed.everything() == before)
                // The event goes to the ledger all the same; Redis itself reads "-1", and so it is mended.
                let reply = try await bed.end(.settle, call, units: [1])
                #expect(reply == .ended(skipped: text == "-1" ? 0 : 1))
                try await bed.send("DEL", .string(key.key))
                try await bed.send("HDEL", .string(RedisKeys.reservations(ShardBed.shard)), .string(key.key))
            }
            #expect(try await bed.events().count == 2)
        }
    }

    @Test(arguments: garbage, ["b", "t", "slot"])
    func `a ring with a field that is no number admits nothing`(text: String, field: String) async throws {
        try await ShardBed.run { (bed) async throws in
            let key = ShardBed.counter(.ring(windowMs: 60_000))
            let call = ShardBed.admission(.init(counter: key, cost: 9, amount: 100))
            #expect(try await bed.admit(call).isAdmitted)
            let slot = ShardBed.startMs * 60 / 60_000 % 61
            try await bed.send("HSET", .string(key.key), .string(field == "slot" ? "\(slot)" : field), .string(text))
            let before = try await bed.everything()
            // In the same bucket, and when that bucket leaves; beyond it, only where the field says when it began.
            for wait in [0, 61_000] where field != "slot" || wait == 0 {
                let next = ShardBed.admission(
                    .init(counter: key, cost: 1, amount: 100), atMs: ShardBed.startMs + (field == "b" ? wait : 0))
                await expectServerError { _ = try await bed.admit(next) }
            }
            #expect(try await bed.everything() == before)
            let reply = try await bed.end(.settle, call, units: [3])
            #expect(reply == .ended(skipped: ["007", "99999999999999999999"].contains(text) ? 0 : 1))
            #expect(try await bed.events() == ["event"])
        }
    }

    @Test
    func `a ring whose total is less than its buckets, or that has lost its newest bucket's number, admits nothing`()
        async throws
    {
        try await ShardBed.run { (bed) async throws in
            let key = ShardBed.counter(.ring(windowMs: 60_000))
            let entry = AdmitScript.Entry(counter: key, cost: 50, amount: 100)
            _ = try await bed.admit(ShardBed.admission(entry))
            try await bed.send("HSET", .string(key.key), "t", "10")
            let leaving = ShardBed.admission(entry, atMs: ShardBed.startMs + 61_000 - ShardBed.startMs % 1_000)
            _ = try await bed.admit(
                ShardBed.admission(.init(counter: key, cost: 0, amount: 100), atMs: ShardBed.startMs + 1_000))
            await expectServerError { _ = try await bed.admit(leaving) }
            try await bed.send("HDEL", .string(key.key), "b")
            await expectServerError { _ = try await bed.admit(ShardBed.admission(entry)) }
        }
    }

    @Test(arguments: ["inf", "1.5", "1e300"])
    func `a log with a score that is no time admits nothing`(score: String) async throws {
        try await ShardBed.run { (bed) async throws in
            let key = ShardBed.counter(.log(windowMs: 60_000))
            try await bed.send("ZADD", .string(key.key), .string(score), "someone")
            await expectServerError {
                _ = try await bed.admit(ShardBed.admission(.init(counter: key, cost: 1, amount: 100)))
            }
        }
    }

    @Test func `F-R14: an epoch, reservations or usage of a foreign type decide nothing`() async throws {
        for key in [
            RedisKeys.epoch(ShardBed.shard), RedisKeys.reservations(ShardBed.shard), RedisKeys.usage(ShardBed.shard),
        ] {
            try await ShardBed.run { (bed) async throws in
                let call = ReservationTests.call()
                _ = try await bed.admit(call)
                try await bed.send("DEL", .string(key))
                try await bed.send("RPUSH", .string(key), "1")
                let before = try await bed.everything()
                if key != RedisKeys.usage(ShardBed.shard) {
                    await expectServerError { _ = try await bed.admit(ReservationTests.call()) }
                    await expectServerError { _ = try await bed.end(.release, call) }
                    await expectServerError { _ = try await bed.renew(call) }
                }
                await expectServerError { _ = try await bed.end(.settle, call, units: [1, 1, 1, 1]) }
                let late = ShardBed.startMs + 30_000
                await expectServerError { _ = try await bed.end(.reap, call, units: [1, 1, 1, 1], atMs: late) }
                #expect(try await bed.everything() == before)
            }
        }
        try FaultReport(
            "F-R14", invariant: "wrong type at one of our keys: a typed error, nothing written, L1",
            bound: "0 admitted", measured: "0 admitted, 3 keys, every step an error"
        ).report()
    }

    @Test(arguments: ["", "text", "12", "12 34 5", "nan nan 5\n{}\n", "settled ", "orphaned x"])
    func `a record that cannot be read holds nothing, and its settlement is charged`(record: String) async throws {
        try await ShardBed.run { (bed) async throws in
            let call = ShardBed.admission(.init(counter: ReservationTests.spend, cost: 5, amount: 100))
            let key = RedisKeys.reservations(ShardBed.shard)
            try await bed.send("HSET", .string(key), .string(call.id.text), .string(record))
            let before = try await bed.everything()
            #expect(try await bed.end(.release, call) == .endedBefore)
            #expect(try await bed.end(.reap, call, units: [5]) == .endedBefore)
            #expect(try await bed.renew(call) == .lost)
            #expect(try await bed.everything() == before)
            #expect(try await bed.end(.settle, call, units: [7]) == .ended(skipped: 0))
            #expect(try await bed.peek(ReservationTests.spend) == [7, 0])
        }
    }
}

/// Expects an error reply, and one that a script meant.
nonisolated(nonsending) func expectServerError(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async {
    let isError = await CorruptStateTests.isServerError(body)
    #expect(isError, "no error of the script", sourceLocation: sourceLocation)
}
