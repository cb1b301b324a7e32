import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

/// The promise of windows, checked from the admitted calls alone: every window of every position is summed up.
@Suite struct WindowTests {
    struct Admission {
        /// Recorded time: the clock's, never behind what was recorded before.
        let ms: Int
        let units: Int
    }

    static let windowMs = 60_000

    /// The most that any window (t - W, t] holds. It is reached at an admission.
    static func most(in admissions: [Admission], windowMs: Int) -> Int {
        admissions.map { end in
            admissions.filter { $0.ms > end.ms - windowMs && $0.ms <= end.ms }.reduce(0) { $0 + $1.units }
        }.max() ?? 0
    }

    @Test(arguments: [Counter.log(windowMs: windowMs), .ring(windowMs: windowMs)], [false, true])
    func `F-T2: no window of any position ever holds more than the amount, also when Redis's clock steps back`(
        counter: Counter, stepsBack: Bool
    ) async throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        try await ShardBed.run { (bed) async throws in
            let isLog = counter == .log(windowMs: Self.windowMs)
            let amount = isLog ? 7 : 500
            let key = ShardBed.counter(counter)
            var (now, recorded, bucket) = (ShardBed.startMs, 0, 0)
            var admissions: [Admission] = []
            let leaps = [0, 0, 1, 3, 250, 999, 1_000, 1_001, 2_700, 9_000, 31_000, 59_999, 60_000, 60_001]
            for _ in 0..<FaultReport.rounds(1_500, full: 15_000) {
                now += (leaps + (stepsBack ? [-1, -500, -1_000, -7_000, -100_000] : [])).randomElement(
                    using: &generator)!
                let cost = isLog ? 1 : Int.random(in: 0...160, using: &generator)
                let reply = try await bed.admit(
                    ShardBed.admission(.init(counter: key, cost: cost, amount: amount), atMs: now))
                guard reply.isAdmitted else { continue }
                // A log never goes back behind its newest entry, a ring not behind its newest bucket.
                bucket = max(bucket, now * 60 / Self.windowMs)
                recorded = isLog ? max(recorded, now) : max(now, bucket * Self.windowMs / 60)
                admissions.append(Admission(ms: recorded, units: cost))
            }
            let most = Self.most(in: admissions, windowMs: Self.windowMs)
            #expect(most <= amount, "seed \(seed)")
            // The test must be able to fail: the windows were really full.
            #expect(most > amount * 9 / 10, "seed \(seed): \(most) of \(amount)")
            #expect(admissions.count > 50, "seed \(seed)")
            guard stepsBack else { return }
            try FaultReport(
                "F-T2", invariant: "clock steps back, \(isLog ? "log" : "ring"): no window over its amount, L1",
                bound: "\(amount) in any window",
                measured: "\(most) at most, \(admissions.count) admitted, seed \(seed)"
            ).report()
        }
    }

    @Test(arguments: [Counter.log(windowMs: windowMs), .ring(windowMs: windowMs)])
    func `retry_after is not early, and late by at most one bucket`(counter: Counter) async throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        try await ShardBed.run { (bed) async throws in
            let isLog = counter == .log(windowMs: Self.windowMs)
            let amount = isLog ? 5 : 300
            let lateness = isLog ? 0 : Self.windowMs / 60
            let key = ShardBed.counter(counter)
            var now = ShardBed.startMs
            var admissions: [Admission] = []
            var denials = 0
            for _ in 0..<800 {
                now += [0, 1, 17, 400, 999, 1_000, 4_321, 12_000].randomElement(using: &generator)!
                let cost = isLog ? 1 : Int.random(in: 1...150, using: &generator)
                let entry = AdmitScript.Entry(counter: key, cost: cost, amount: amount)
                func units(at ms: Int) -> Int {
                    admissions.filter { $0.ms > ms - Self.windowMs && $0.ms <= ms }.reduce(0) { $0 + $1.units }
                }
                switch try await bed.admit(ShardBed.admission(entry, atMs: now)) {
                case .admitted: admissions.append(Admission(ms: now, units: cost))
                case .denied(_, _, _, _, let wait):
                    let wait = try #require(wait)
                    denials += 1
                    // Counted exactly, it would fit from then on.
                    let exact =
                        ([now] + admissions.map { $0.ms + Self.windowMs }).filter { $0 >= now }
                        .filter { units(at: $0) + cost <= amount }.min() ?? now
                    try #require(wait > 0 && now + wait >= exact && now + wait <= exact + lateness, "seed \(seed)")
                    // At that time, nobody else having come, it is admitted; a millisecond before, a log denies it.
                    if isLog {
                        try #require(try await !bed.admit(ShardBed.admission(entry, atMs: now + wait - 1)).isAdmitted)
                    }
                    now += wait
                    try #require(try await bed.admit(ShardBed.admission(entry, atMs: now)).isAdmitted, "seed \(seed)")
                    admissions.append(Admission(ms: now, units: cost))
                default: Issue.record("neither admitted nor denied")
                }
            }
            #expect(denials > 50, "seed \(seed)")
        }
    }

    @Test(arguments: [Counter.log(windowMs: windowMs), .ring(windowMs: windowMs)])
    func `after a quiet window and a bucket the whole amount is there again`(counter: Counter) async throws {
        try await ShardBed.run { (bed) async throws in
            let key = ShardBed.counter(counter)
            for atMs in [ShardBed.startMs + 500, ShardBed.startMs + 500 + Self.windowMs + Self.windowMs / 60] {
                for number in 0..<20 {
                    let reply = try await bed.admit(
                        ShardBed.admission(.init(counter: key, cost: 1, amount: 20), atMs: atMs))
                    #expect(reply == .admitted(nowMs: atMs, remaining: [19 - number]))
                }
                let reply = try await bed.admit(
                    ShardBed.admission(.init(counter: key, cost: 1, amount: 20), atMs: atMs))
                #expect(!reply.isAdmitted)
            }
        }
    }

    @Test func `an amount that is lowered or raised in mid-window counts what was used, never below nothing`()
        async throws
    {
        try await ShardBed.run { (bed) async throws in
            let key = ShardBed.counter(.ring(windowMs: Self.windowMs))
            func admit(_ cost: Int, of amount: Int) async throws -> AdmitScript.Reply {
                try await bed.admit(ShardBed.admission(.init(counter: key, cost: cost, amount: amount)))
            }
            #expect(try await admit(80, of: 100) == .admitted(nowMs: ShardBed.startMs, remaining: [20]))
            guard case .denied(_, 0, 80, 0, .some) = try await admit(1, of: 50) else {
                Issue.record("the lower amount must deny")
                return
            }
            #expect(try await admit(0, of: 80) == .admitted(nowMs: ShardBed.startMs, remaining: [0]))
            #expect(try await admit(100, of: 200) == .admitted(nowMs: ShardBed.startMs, remaining: [20]))
        }
    }
}
