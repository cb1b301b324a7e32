import NIOCore
import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

/// lua/expired.lua: what has to be reaped, and what may be forgotten.
@Suite struct ExpiredTests {
    struct Step {
        let cursor: String
        let live: Int
        let expired: [String: String]
    }

    static func step(
        _ bed: ShardBed, cursor: String = "0", atMs: Int, count: Int = 1_000, forgetBornBeforeMs: Int = 0
    ) async throws -> Step {
        let reply = try await bed.aggregator.run(
            ScriptCatalogue.expired, keys: [RedisKeys.reservations(ShardBed.shard)],
            arguments: [
                .string(cursor), .int(atMs), .int(count), .string(ReservationID.prefix(birthMs: forgetBornBeforeMs)),
            ])
        guard case .array(let parts) = reply, case .bulk(let next) = parts[0] else {
            throw RedisError.protocolViolation("expired.lua")
        }
        var expired: [String: String] = [:]
        for i in stride(from: 2, to: parts.count, by: 2) {
            if case .bulk(let id) = parts[i], case .bulk(let record) = parts[i + 1] {
                expired[String(buffer: id)] = String(buffer: record)
            }
        }
        return Step(cursor: String(buffer: next), live: parts[1].number, expired: expired)
    }

    @Test func `a lease that has run out is listed with its record, one that has not is counted`() async throws {
        try await ShardBed.run { (bed) async throws in
            let (short, long) = (ReservationTests.call(), ReservationTests.call())
            _ = try await bed.admit(short)
            _ = try await bed.admit(long)
            _ = try await bed.renew(long, atMs: ShardBed.startMs + 1)
            let now = ShardBed.startMs + 20_000
            #expect(try await Self.step(bed, atMs: now - 1).expired.isEmpty)
            let step = try await Self.step(bed, atMs: now)
            #expect(step.live == 1)
            #expect(step.expired == [short.id.text: "\(now) \(ShardBed.startMs) 1,100,100,1\n{}\n"])
        }
    }

    @Test func `endings are forgotten after their time only, and live records never`() async throws {
        try await ShardBed.run { (bed) async throws in
            let births = (0..<4).map { ShardBed.startMs + $0 * 1_000 }
            let calls = births.map { ReservationTests.call(atMs: $0) }
            for call in calls { #expect(try await bed.admit(call).isAdmitted) }
            _ = try await bed.end(.settle, calls[0], units: [1, 1, 1, 1])
            _ = try await bed.end(.release, calls[1])
            _ = try await bed.end(.reap, calls[2], units: [1, 1, 1, 1], atMs: births[2] + 20_000)
            let key = RedisArgument.string(RedisKeys.reservations(ShardBed.shard))
            func left() async throws -> Set<String> {
                guard case .array(let names) = try await bed.send("HKEYS", key) else { return [] }
                let all = names.compactMap { if case .bulk(let name) = $0 { String(buffer: name) } else { nil } }
                return Set(all.filter { $0.count == 26 })
            }
            for (forgotten, before) in [
                (0, births[0]), (1, births[1]), (2, births[2]), (3, births[2] + 1), (3, births[3] + 999_999),
            ] {
                _ = try await Self.step(bed, atMs: births[3], forgetBornBeforeMs: before)
                #expect(try await left() == Set(calls.dropFirst(forgotten).map(\.id.text)))
            }
        }
    }

    @Test func `a large shard is gone through in bounded steps, and nothing is missed`() async throws {
        try await ShardBed.run { (bed) async throws in
            var ids: Set<String> = []
            let entry = AdmitScript.Entry(counter: ReservationTests.spend, cost: 1, amount: 0)
            for _ in 0..<1_000 {
                let call = ShardBed.admission(entry)
                ids.insert(call.id.text)
                _ = try await bed.admit(call)
            }
            var (cursor, steps, found) = ("0", 0, Set<String>())
            repeat {
                let step = try await Self.step(bed, cursor: cursor, atMs: ShardBed.startMs + 30_000, count: 50)
                #expect(step.expired.count < 200)
                found.formUnion(step.expired.keys)
                (cursor, steps) = (step.cursor, steps + 1)
            } while cursor != "0" && steps < 1_000
            #expect(found == ids)
            #expect(steps > 5)
        }
    }
}
