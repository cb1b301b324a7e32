import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

/// A policy may make a ring of a limit that was a log, or the reverse: both are kept under one key.
@Suite struct CounterChangeTests {
    static let log = ShardBed.counter(.log(windowMs: 60_000))
    static let ring = ShardBed.counter(.ring(windowMs: 60_000))

    @Test(arguments: [(log, ring), (ring, log)])
    func `a window whose kind changes keeps what was used`(before: CounterKey, after: CounterKey) async throws {
        try await ShardBed.run { (bed) async throws in
            func admit(_ counter: CounterKey, amount: Int, atMs: Int = ShardBed.startMs) async throws
                -> AdmitScript.Reply
            {
                try await bed.admit(ShardBed.admission(.init(counter: counter, cost: 1, amount: amount), atMs: atMs))
            }
            for _ in 0..<8 { #expect(try await admit(before, amount: 10).isAdmitted) }
            #expect(try await bed.peek(after) == [8, 0])
            let later = ShardBed.startMs + 30_000
            #expect(try await admit(after, amount: 10, atMs: later) == .admitted(nowMs: later, remaining: [1]))
            #expect(try await admit(after, amount: 10, atMs: later) == .admitted(nowMs: later, remaining: [0]))
            #expect(try await !admit(after, amount: 10, atMs: later).isAdmitted)
            #expect(try await !admit(before, amount: 10, atMs: later).isAdmitted)
            // The first eight have left, the two of later have not.
            let then = ShardBed.startMs + 61_001
            #expect(try await admit(after, amount: 10, atMs: then) == .admitted(nowMs: then, remaining: [7]))
        }
    }

    @Test(arguments: [(log, ring), (ring, log)])
    func `a release gives back what another kind of window counted`(before: CounterKey, after: CounterKey) async throws
    {
        try await ShardBed.run { (bed) async throws in
            var calls: [AdmitScript] = []
            for counter in [before, before, after, after] {
                let call = ShardBed.admission(.init(counter: counter, cost: 1, amount: 10))
                #expect(try await bed.admit(call).isAdmitted)
                calls.append(call)
            }
            #expect(try await bed.end(.settle, calls[3], units: [1]) == .ended(skipped: 0))
            #expect(try await bed.peek(before) == [4, 0])
            for call in calls[0..<3] { #expect(try await bed.end(.release, call) == .ended(skipped: 0)) }
            #expect(try await bed.peek(before) == [1, 0])
        }
    }

    @Test func `a limit that counted requests and now counts tokens begins anew, and is enforced`() async throws {
        try await ShardBed.run { (bed) async throws in
            let requests = ShardBed.admission(.init(counter: Self.log, cost: 1, amount: 5))
            #expect(try await bed.admit(requests).isAdmitted)
            func tokens() -> AdmitScript { ShardBed.admission(.init(counter: Self.ring, cost: 400, amount: 1_000)) }
            #expect(try await bed.admit(tokens()) == .admitted(nowMs: ShardBed.startMs, remaining: [600]))
            #expect(try await bed.admit(tokens()) == .admitted(nowMs: ShardBed.startMs, remaining: [200]))
            #expect(try await !bed.admit(tokens()).isAdmitted)
            #expect(try await bed.send("TYPE", .string(Self.ring.key)) == .status("hash"))
        }
    }
}
