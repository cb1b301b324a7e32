import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

/// The life of a reservation: each id ends once, whatever arrives in which order and how often.
@Suite struct ReservationTests {
    static let log = ShardBed.counter(.log(windowMs: 3_600_000), limit: "calls")
    static let ring = ShardBed.counter(.ring(windowMs: 3_600_000), limit: "tokens")
    static let spend = ShardBed.counter(.budget(.month), limit: "spend")
    static let inFlight = ShardBed.counter(.inFlight, limit: "at-once")

    static func call(_ cost: Int = 100, atMs: Int = ShardBed.startMs) -> AdmitScript {
        ShardBed.admission(
            .init(counter: log, cost: 1, amount: 10), .init(counter: ring, cost: cost, amount: 10_000),
            .init(counter: spend, cost: cost, amount: 10_000), .init(counter: inFlight, cost: 1, amount: 10),
            atMs: atMs)
    }

    /// Used and reserved of the four, in their order.
    static func counts(_ bed: ShardBed, atMs: Int = ShardBed.startMs) async throws -> [Int]? {
        try await bed.peek(log, ring, spend, inFlight, atMs: atMs)
    }

    @Test func `a denial changes nothing, also where other limits would admit`() async throws {
        try await ShardBed.run { (bed) async throws in
            #expect(try await bed.admit(Self.call(9_000)).isAdmitted)
            let before = try await bed.everything()
            #expect(before.count == 6)
            for cost in [1_001, 10_000, 10_001, .largestExact] {
                let reply = try await bed.admit(Self.call(cost))
                #expect(!reply.isAdmitted)
                // What can never fit is told so.
                if case .denied(_, _, _, _, let wait) = reply { #expect((wait == nil) == (cost > 10_000)) }
            }
            #expect(try await bed.everything() == before)
        }
    }

    @Test func `the same id twice charges once, admitted and settled`() async throws {
        try await ShardBed.run { (bed) async throws in
            let call = Self.call()
            let first = try await bed.admit(call)
            let admitted = try await bed.everything()
            #expect(try await bed.admit(call) == first)
            #expect(try await bed.everything() == admitted)
            #expect(try await Self.counts(bed) == [1, 0, 100, 0, 0, 100, 1, 0])

            #expect(try await bed.end(.settle, call, units: [1, 60, 70, 1]) == .ended(skipped: 0))
            let settled = try await bed.everything()
            #expect(try await Self.counts(bed) == [1, 0, 60, 0, 70, 0, 0, 0])
            #expect(try await bed.end(.settle, call, units: [1, 99, 99, 1]) == .endedBefore)
            #expect(try await bed.end(.release, call) == .endedBefore)
            #expect(try await bed.end(.reap, call, units: [1, 99, 99, 1]) == .endedBefore)
            #expect(try await bed.renew(call) == .lost)
            #expect(try await bed.admit(call) == .ended(nowMs: ShardBed.startMs))
            #expect(try await bed.everything() == settled)
            #expect(try await bed.events() == ["event"])
        }
    }

    @Test func `a release gives everything back, and nothing brings it to life again`() async throws {
        try await ShardBed.run { (bed) async throws in
            let call = Self.call()
            _ = try await bed.admit(call)
            #expect(try await bed.end(.release, call) == .ended(skipped: 0))
            #expect(try await Self.counts(bed) == [0, 0, 0, 0, 0, 0, 0, 0])
            #expect(try await bed.end(.release, call) == .endedBefore)
            #expect(try await bed.admit(call) == .ended(nowMs: ShardBed.startMs))
            #expect(try await bed.events() == [])
        }
    }

    @Test func `a release that arrives before its admission blocks it`() async throws {
        try await ShardBed.run { (bed) async throws in
            let call = Self.call()
            #expect(try await bed.end(.release, call) == .endedBefore)
            #expect(try await bed.admit(call) == .ended(nowMs: ShardBed.startMs))
            #expect(try await Self.counts(bed) == [0, 0, 0, 0, 0, 0, 0, 0])
        }
    }

    @Test func `a settlement that arrives before its admission is charged once, and the admission is told`()
        async throws
    {
        try await ShardBed.run { (bed) async throws in
            let call = Self.call()
            #expect(try await bed.end(.settle, call, units: [1, 60, 70, 1]) == .ended(skipped: 0))
            #expect(try await bed.admit(call) == .ended(nowMs: ShardBed.startMs))
            #expect(try await bed.end(.settle, call, units: [1, 60, 70, 1]) == .endedBefore)
            let counts = try #require(try await Self.counts(bed))
            // A window that was never entered has no bucket to correct; what was spent stands in the budget.
            #expect(counts[4...] == [70, 0, 0, 0])
            #expect(try await bed.events() == ["event"])
        }
    }

    @Test func `a settlement after a release is charged: the money was spent`() async throws {
        try await ShardBed.run { (bed) async throws in
            let call = Self.call()
            _ = try await bed.admit(call)
            _ = try await bed.end(.release, call)
            #expect(try await bed.end(.settle, call, units: [1, 60, 70, 1]) == .ended(skipped: 0))
            #expect(try await bed.peek(Self.spend) == [70, 0])
            #expect(try await bed.events() == ["event"])
        }
    }

    @Test(arguments: [0, 5, 40, 100, 250])
    func `an orphan's late settlement charges exactly the final usage`(final: Int) async throws {
        try await ShardBed.run { (bed) async throws in
            let call = Self.call()
            _ = try await bed.admit(call)
            let late = ShardBed.startMs + 20_001
            #expect(try await bed.end(.reap, call, units: [1, 40, 40, 1], event: "orphan", atMs: late - 2) == .alive)
            #expect(
                try await bed.end(.reap, call, units: [1, 40, 40, 1], event: "orphan", atMs: late) == .ended(skipped: 0)
            )
            #expect(try await Self.counts(bed, atMs: late) == [1, 0, 40, 0, 40, 0, 0, 0])
            #expect(try await bed.end(.reap, call, units: [1, 40, 40, 1], event: "orphan", atMs: late) == .endedBefore)
            #expect(
                try await bed.end(.settle, call, units: [1, final, final, 1], event: "final", atMs: late)
                    == .corrected(skipped: 0))
            #expect(
                try await bed.end(.settle, call, units: [1, final, final, 1], event: "final", atMs: late)
                    == .endedBefore)
            #expect(try await Self.counts(bed, atMs: late) == [1, 0, final, 0, final, 0, 0, 0])
            #expect(try await bed.events() == ["orphan", "final"])
        }
    }

    @Test func `more than was held is charged, too`() async throws {
        try await ShardBed.run { (bed) async throws in
            let call = Self.call()
            _ = try await bed.admit(call)
            _ = try await bed.end(.settle, call, units: [1, 12_000, 12_000, 1])
            #expect(try await Self.counts(bed) == [1, 0, 12_000, 0, 12_000, 0, 0, 0])
            for cost in [0, 1] { #expect(try await !bed.admit(Self.call(cost)).isAdmitted) }
        }
    }

    @Test func `a renewed reservation is not reaped, and keeps its place among the calls in flight`() async throws {
        try await ShardBed.run { (bed) async throws in
            let call = Self.call()
            _ = try await bed.admit(call)
            // At a third of the lease, and once after it has run out already: the call lives, so it counts.
            for atMs in [ShardBed.startMs + 7_000, ShardBed.startMs + 50_000] {
                #expect(try await bed.renew(call, atMs: atMs) == .renewed)
                #expect(try await bed.end(.reap, call, units: [1, 1, 1, 1], atMs: atMs + 19_999) == .alive)
                #expect(try await bed.peek(Self.inFlight, atMs: atMs + 19_999) == [1, 0])
                #expect(try await bed.peek(Self.inFlight, atMs: atMs + 20_000) == [0, 0])
            }
        }
    }

    @Test func `a settlement of a call older than what is remembered only appends its event`() async throws {
        try await ShardBed.run { (bed) async throws in
            let call = Self.call(atMs: ShardBed.startMs)
            let remembered = ShardBed.startMs + 840_000
            let forgotten = remembered + 1
            let before = try await bed.everything()
            #expect(try await bed.end(.settle, call, units: [1, 5, 5, 1], event: "old", atMs: forgotten) == .eventOnly)
            #expect(try await bed.everything().count == before.count + 1)
            #expect(
                try await bed.end(.settle, call, units: [1, 5, 5, 1], event: "young", atMs: remembered)
                    == .ended(skipped: 0))
            #expect(try await bed.peek(Self.spend) == [5, 0])
            #expect(try await bed.events() == ["old", "young"])
        }
    }

    @Test func `without its epoch a shard decides and charges nothing`() async throws {
        try await ShardBed.run(isReady: false) { (bed) async throws in
            let call = Self.call()
            #expect(try await bed.admit(call) == .notReady(nowMs: ShardBed.startMs))
            #expect(try await bed.end(.settle, call, units: [1, 1, 1, 1]) == .notReady)
            #expect(try await bed.end(.release, call) == .notReady)
            #expect(try await bed.end(.reap, call, units: [1, 1, 1, 1]) == .notReady)
            #expect(try await bed.renew(call) == .notReady)
            #expect(try await Self.counts(bed) == nil)
            #expect(try await bed.everything().isEmpty)
        }
    }

    @Test func `keys that were named for another time are refused, and nothing is written`() async throws {
        try await ShardBed.run { (bed) async throws in
            let before = try await bed.everything()
            for offMs in [-UTCDay.lengthMs, -2001, 2001, UTCDay.lengthMs] {
                var call = Self.call()
                call.namedAtMs += offMs
                #expect(try await bed.admit(call) == .wrongTime(nowMs: ShardBed.startMs))
            }
            #expect(try await bed.everything() == before)
        }
    }

    @Test func `by the server's clock a call is admitted and settled in the real present`() async throws {
        try await ShardBed.run { (bed) async throws in
            guard case .array(let time) = try await bed.send("TIME") else { return }
            var call = Self.call(atMs: time[0].number * 1000)
            call.nowMs = nil
            guard case .admitted(let nowMs, _, _) = try await bed.admit(call) else {
                Issue.record("not admitted")
                return
            }
            #expect((0..<60_000).contains(nowMs - time[0].number * 1000))
        }
    }
}
