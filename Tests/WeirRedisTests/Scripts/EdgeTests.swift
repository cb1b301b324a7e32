import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

/// Integers at the edges of what is allowed.
@Suite struct EdgeTests {
    static let windows: [Counter] = [.ring(windowMs: 60_000), .budget(.day)]

    @Test(arguments: windows, [1, 100, Int.largestExact])
    func `a cost of 0, 1 and the whole amount is admitted, one more never fits`(counter: Counter, amount: Int)
        async throws
    {
        try await ShardBed.run { (bed) async throws in
            let key = ShardBed.counter(counter)
            func admit(_ cost: Int) async throws -> AdmitScript.Reply {
                try await bed.admit(ShardBed.admission(.init(counter: key, cost: cost, amount: amount)))
            }
            if amount < .largestExact {
                let never = AdmitScript.Reply.denied(
                    nowMs: ShardBed.startMs, limit: 0, used: 0, reserved: 0, retryAfterMs: nil)
                #expect(try await admit(amount + 1) == never)
            }
            #expect(try await admit(0) == .admitted(nowMs: ShardBed.startMs, remaining: [amount]))
            #expect(try await admit(amount) == .admitted(nowMs: ShardBed.startMs, remaining: [0]))
            #expect(try await admit(0) == .admitted(nowMs: ShardBed.startMs, remaining: [0]))
            guard case .denied(_, 0, let used, let reserved, .some) = try await admit(1) else {
                Issue.record("one more than the amount was admitted")
                return
            }
            #expect(used + reserved == amount)
        }
    }

    @Test(arguments: windows)
    func `settlements as large as can be counted never make room`(counter: Counter) async throws {
        try await ShardBed.run { (bed) async throws in
            let key = ShardBed.counter(counter)
            for _ in 0..<3 {
                let call = ShardBed.admission(.init(counter: key, cost: 0, amount: 1))
                guard try await bed.admit(call).isAdmitted else { break }
                #expect(try await bed.end(.settle, call, units: [.max]) == .ended(skipped: 0))
            }
            guard
                case .denied(_, 0, let used, 0, _) = try await bed.admit(
                    ShardBed.admission(.init(counter: key, cost: 1, amount: 1)))
            else {
                Issue.record("no denial")
                return
            }
            #expect(used == .largestExact)
        }
    }

    @Test(arguments: windows)
    func `what is unlimited is refused before it can no longer be counted`(counter: Counter) async throws {
        try await ShardBed.run { (bed) async throws in
            let key = ShardBed.counter(counter)
            let call = { ShardBed.admission(.init(counter: key, cost: .largestExact, amount: 0)) }
            #expect(try await bed.admit(call()) == .admitted(nowMs: ShardBed.startMs, remaining: [nil]))
            let before = try await bed.everything()
            await expectServerError { _ = try await bed.admit(call()) }
            #expect(try await bed.everything() == before)
            let free = ShardBed.admission(.init(counter: key, cost: 0, amount: 0))
            #expect(try await bed.admit(free).isAdmitted)
        }
    }

    @Test func `sixteen limits are checked in one step, with none it is admitted, seventeen are an error`() async throws
    {
        try await ShardBed.run { (bed) async throws in
            func call(_ count: Int, amountOfLast: Int = 1) -> AdmitScript {
                var call = ShardBed.admission()
                call.limits = (0..<count).map {
                    .init(
                        counter: ShardBed.counter(.budget(.day), limit: "limit-\($0)"), cost: 1,
                        amount: $0 == count - 1 ? amountOfLast : 5)
                }
                return call
            }
            #expect(try await bed.admit(call(0)) == .admitted(nowMs: ShardBed.startMs, remaining: []))
            let sixteen = call(16)
            #expect(try await bed.admit(sixteen).isAdmitted)
            #expect(try await bed.end(.settle, sixteen, units: Array(repeating: 1, count: 16)) == .ended(skipped: 0))
            let before = try await bed.everything()
            guard case .denied(_, 15, 1, 0, .some) = try await bed.admit(call(16)) else {
                Issue.record("the last of sixteen must deny")
                return
            }
            await expectServerError { _ = try await bed.admit(call(17)) }
            await expectServerError { _ = try await bed.end(.settle, call(17)) }
            #expect(try await bed.everything() == before)
        }
    }

    @Test func `a limit in shadow counts and never denies`() async throws {
        try await ShardBed.run { (bed) async throws in
            let key = ShardBed.counter(.log(windowMs: 60_000))
            for number in 1...5 {
                let call = ShardBed.admission(.init(counter: key, cost: 1, amount: 2, denies: false))
                #expect(
                    try await bed.admit(call) == .admitted(nowMs: ShardBed.startMs, remaining: [max(0, 2 - number)]))
            }
            #expect(try await bed.peek(key) == [5, 0])
        }
    }

    @Test func `the denial is of the limit that makes the caller wait longest`() async throws {
        try await ShardBed.run { (bed) async throws in
            let minute = ShardBed.counter(.log(windowMs: 60_000), limit: "minute")
            let hour = ShardBed.counter(.log(windowMs: 3_600_000), limit: "hour")
            let entries = [minute, hour, minute].map { AdmitScript.Entry(counter: $0, cost: 1, amount: 1) }
            #expect(try await bed.admit(ShardBed.admission(entries[0], entries[1])).isAdmitted)
            let denied = AdmitScript.Reply.denied(
                nowMs: ShardBed.startMs, limit: 1, used: 1, reserved: 0, retryAfterMs: 3_600_000)
            #expect(try await bed.admit(ShardBed.admission(entries[0], entries[1])) == denied)
            // And before all, of one that it can never pass.
            let never = AdmitScript.Entry(counter: ReservationTests.spend, cost: 9, amount: 8)
            let reply = AdmitScript.Reply.denied(
                nowMs: ShardBed.startMs, limit: 2, used: 0, reserved: 0, retryAfterMs: nil)
            #expect(try await bed.admit(ShardBed.admission(entries[0], entries[1], never)) == reply)
        }
    }

    @Test func `one subject's history does not touch another's`() async throws {
        try await ShardBed.run { (bed) async throws in
            for (number, counter) in CorruptStateTests.counters.enumerated() {
                func call(_ subject: String) -> AdmitScript {
                    ShardBed.admission(
                        .init(
                            counter: ShardBed.counter(counter, limit: "limit-\(number)", subject: subject), cost: 1,
                            amount: 1))
                }
                #expect(try await bed.admit(call("user:acme/alice")).isAdmitted)
                #expect(try await !bed.admit(call("user:acme/alice")).isAdmitted)
                #expect(try await bed.admit(call("user:acme/bob")).isAdmitted)
            }
        }
    }
}
