import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@Suite struct FullRedisTests {
    @Test func `F-R6: a full Redis refuses every step before its first write, and still answers questions`()
        async throws
    {
        try await ShardBed.run(isAlone: true) { (bed) async throws in
            let call = ReservationTests.call()
            _ = try await bed.admit(call)
            let expired = ReservationTests.call()
            _ = try await bed.admit(expired)
            try await bed.send("CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "noeviction")
            let before = try await bed.everything()
            let late = ShardBed.startMs + 30_000
            // Also a log whose old entries are to be removed first: a removal is a write that Redis would let through.
            let much = ShardBed.startMs + 4_000_000
            await expectRefusedWrite { _ = try await bed.admit(ReservationTests.call(atMs: much)) }
            await expectRefusedWrite { _ = try await bed.end(.settle, call, units: [1, 1, 1, 1]) }
            await expectRefusedWrite { _ = try await bed.end(.release, call) }
            await expectRefusedWrite { _ = try await bed.end(.reap, expired, units: [1, 1, 1, 1], atMs: late) }
            await expectRefusedWrite { _ = try await bed.renew(call) }
            #expect(try await bed.everything() == before)
            #expect(try await ReservationTests.counts(bed) == [2, 0, 200, 0, 0, 200, 2, 0])

            try await bed.send("CONFIG", "SET", "maxmemory", "0")
            #expect(try await bed.end(.settle, call, units: [1, 7, 7, 1]) == .ended(skipped: 0))
            try FaultReport(
                "F-R6", invariant: "out of memory: scripts refuse before their first write, L1",
                bound: "0 keys changed by 5 refused steps", measured: "0"
            ).report()
        }
    }
}

/// Expects that Redis refused the write, for want of memory.
nonisolated(nonsending) private func expectRefusedWrite(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async {
    var isRefused = false
    do { try await body() } catch RedisError.writeRefused { isRefused = true } catch {}
    #expect(isRefused, "not refused", sourceLocation: sourceLocation)
}
