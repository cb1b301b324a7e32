import NIOCore
import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

/// What no node of ours sends: scripts refuse it before their first write.
@Suite struct ArgumentTests {
    static let numbers = [
        "nan", "inf", "-1", "0x10", "1.5", " 5", "5 ", "1e3", "", "99999999999999999999", "text", "-0",
    ]

    /// Sends admit.lua with one good limit of each kind, after `change` had its way with the arguments.
    static func isRefused(
        _ bed: ShardBed, _ script: RedisScript, _ arguments: [String], keys: [String]
    ) async throws -> Bool {
        let before = try await bed.everything()
        let isError = await CorruptStateTests.isServerError {
            _ = try await bed.redis.run(script, keys: keys, arguments: arguments.map { .string($0) })
        }
        let after = try await bed.everything()
        return isError && before == after
    }

    static let heads = [RedisKeys.epoch(ShardBed.shard), RedisKeys.reservations(ShardBed.shard)]
    static let counters = CorruptStateTests.counters.map { ShardBed.counter($0) }

    @Test(arguments: numbers)
    func `an admission with a number that is none is refused`(text: String) async throws {
        try await ShardBed.run { (bed) async throws in
            let id = ShardBed.newID().text
            let day = "\(UTCDay(containingMs: ShardBed.startMs).number)"
            let good = [id, "\(ShardBed.startMs)", day, "20000", "{}"]
            for counter in Self.counters {
                let limit = ["1", "5", "\(counter.span)"]
                for place in [1, 3] {
                    var head = good
                    head[place] = text
                    let arguments = head + ["\(counter.kind) \(limit.joined(separator: " ")) 1"]
                    #expect(
                        try await Self.isRefused(
                            bed, ScriptCatalogue.admit, arguments, keys: Self.heads + [counter.key]))
                }
                for place in 0..<3 {
                    var numbers = limit
                    numbers[place] = text
                    let arguments = good + ["\(counter.kind) \(numbers.joined(separator: " ")) 1"]
                    #expect(
                        try await Self.isRefused(
                            bed, ScriptCatalogue.admit, arguments, keys: Self.heads + [counter.key]))
                }
            }
        }
    }

    @Test func `an admission of the wrong shape is refused`() async throws {
        try await ShardBed.run { (bed) async throws in
            let id = ShardBed.newID().text
            let day = "\(UTCDay(containingMs: ShardBed.startMs).number)"
            let good = [id, "\(ShardBed.startMs)", day, "20000", "{}", "L 1 5 60000 1"]
            let keys = Self.heads + [Self.counters[0].key]
            for (place, text) in [
                (0, ""), (0, "short"), (0, id + "0"), (0, String(repeating: "\n", count: 26)), (3, "0"), (4, "{\n}"),
                (5, ""), (5, "X 1 5 60000 1"), (5, "L 1 5 60000"), (5, "L 1 5 60000 2"), (5, "L 1 5 60000 1 "),
                (5, "L 1 5 0 1"), (5, "R 1 5 0 1"), (5, "B 1 5 0 1"), (5, "B 9007199254740992 5 9 1"),
                (5, "B 1 9007199254740993 9 1"), (5, "L\n1 5 60000 1"),
            ] {
                var arguments = good
                arguments[place] = text
                #expect(try await Self.isRefused(bed, ScriptCatalogue.admit, arguments, keys: keys), "\(place) \(text)")
            }
            for count in 0..<good.count {
                #expect(try await Self.isRefused(bed, ScriptCatalogue.admit, Array(good.prefix(count)), keys: keys))
            }
            for count in 0..<keys.count {
                #expect(try await Self.isRefused(bed, ScriptCatalogue.admit, good, keys: Array(keys.prefix(count))))
            }
            // It was the change that was refused.
            #expect(try await !Self.isRefused(bed, ScriptCatalogue.admit, good, keys: keys))
        }
    }

    @Test(arguments: numbers)
    func `an end, a renewal and a seed with a number that is none are refused`(text: String) async throws {
        try await ShardBed.run { (bed) async throws in
            let call = ReservationTests.call()
            _ = try await bed.admit(call)
            let keys = Self.heads + [RedisKeys.usage(ShardBed.shard)] + call.limits.map(\.counter.key)
            let now = "\(ShardBed.startMs + 30_000)"
            let limits = call.limits.map { "\($0.counter.kind) 1 \($0.counter.span)" }
            for script in [ScriptCatalogue.settle, ScriptCatalogue.release, ScriptCatalogue.reap] {
                let good = [call.id.text, now, now, "{}"] + limits
                for place in [1, 2] {
                    var arguments = good
                    arguments[place] = text
                    #expect(try await Self.isRefused(bed, script, arguments, keys: keys), "\(script.name)")
                }
                for place in 0..<limits.count {
                    for limit in ["L \(text) 60000", "R 1 \(text)", "\(text)"] {
                        var arguments = good
                        arguments[4 + place] = limit
                        #expect(try await Self.isRefused(bed, script, arguments, keys: keys), "\(script.name) \(limit)")
                    }
                }
            }
            for place in [1, 2] {
                var arguments = [call.id.text, now, "20000", "{}"]
                arguments[place] = text
                let keys = Self.heads + [ReservationTests.inFlight.key]
                #expect(try await Self.isRefused(bed, ScriptCatalogue.renew, arguments, keys: keys))
            }
            try await bed.send("DEL", .string(RedisKeys.epoch(ShardBed.shard)))
            for arguments in [[text, "\(ShardBed.startMs)"], ["5", text]] {
                let keys = [RedisKeys.epoch(ShardBed.shard), "weir:{07}:budget:new"]
                #expect(try await Self.isRefused(bed, ScriptCatalogue.seed, arguments, keys: keys))
            }
        }
    }

    @Test func `garbage in every place: a script that fails has written nothing`() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        try await ShardBed.run { (bed) async throws in
            var garbage = Garbage(id: ShardBed.newID().text)
            var succeeded = 0
            for round in 0..<2_000 {
                let script = ScriptCatalogue.all.randomElement(using: &generator)!
                let (keys, writes) = garbage.keys(using: &generator)
                let arguments = garbage.arguments(of: script, keys: keys, using: &generator)
                _ = try await bed.send("FLUSHDB")
                for write in writes { _ = try await bed.redis.send(write) }
                let before = try await bed.everything()
                do {
                    _ = try await bed.redis.run(script, keys: keys, arguments: arguments)
                    succeeded += 1
                } catch RedisError.server(let text) {
                    let after = try await bed.everything()
                    try #require(
                        after == before, "seed \(seed), round \(round): \(script.name) \(keys) \(arguments): \(text)")
                }
            }
            #expect(succeeded > 100, "seed \(seed): \(succeeded) of 2,000 were no errors")
        }
    }
}

/// Random keys and arguments, near enough to the real ones to get past the first check now and then.
struct Garbage {
    let id: String
    private let texts =
        ArgumentTests.numbers + ["0", "1", "7", "60000", "\(Int.largestExact)", "9007199254740992", "\0", "a b"]

    private func text(_ generator: inout SeededGenerator) -> String {
        Int.random(in: 0..<4, using: &generator) == 0
            ? texts.randomElement(using: &generator)! : "\(Int.random(in: 0...100_000, using: &generator))"
    }

    /// Distinct keys, each with a value of a random type, and the commands that make them.
    mutating func keys(using generator: inout SeededGenerator) -> ([String], [[RedisArgument]]) {
        var writes: [[RedisArgument]] = []
        let count = Int.random(in: 0...6, using: &generator)
        let keys = (0..<count).map { "weir:{07}:\($0)" }
        for (index, key) in keys.enumerated() {
            // The first two mostly as they should be, else nothing else would be reached.
            if index == 0, Bool.random(using: &generator) {
                writes.append(["SET", .string(key), "ready"])
                continue
            }
            switch Int.random(in: 0...7, using: &generator) {
            case 0: writes.append(["SET", .string(key), .string(text(&generator))])
            case 1: writes.append(["RPUSH", .string(key), "1"])
            case 2:
                writes.append(["ZADD", .string(key), .int(Int.random(in: 0...100_000, using: &generator)), .string(id)])
            case 3:
                writes.append(["ZADD", .string(key), ["inf", "-inf", "1.5"].randomElement(using: &generator)!, "x"])
            case 4:
                writes.append([
                    "HSET", .string(key), "settled", .string(text(&generator)), "reserved", .string(text(&generator)),
                ])
            case 5:
                writes.append([
                    "HSET", .string(key), "b", .string(text(&generator)), "t", .string(text(&generator)), "0",
                    .string(text(&generator)),
                ])
            case 6:
                let record = [
                    "\(text(&generator)) \(text(&generator)) 5,\(text(&generator))\n{}\n", "settled", "released",
                    "orphaned \(text(&generator)),1", text(&generator),
                ].randomElement(using: &generator)!
                writes.append(["HSET", .string(key), .string(id), .string(record)])
            default: break
            }
        }
        return (keys, writes)
    }

    func arguments(of script: RedisScript, keys: [String], using generator: inout SeededGenerator) -> [RedisArgument] {
        var texts: [String]
        switch script.name {
        case "admit":
            texts = [id, "\(Int.random(in: 1...200_000, using: &generator))", "0", "20000", "{}"]
            for _ in keys.dropFirst(2) {
                let kind = ["L", "R", "B", "C", "X"].randomElement(using: &generator)!
                texts.append(
                    "\(kind) \(text(&generator)) \(text(&generator)) \(text(&generator)) \(["0", "1"].randomElement(using: &generator)!)"
                )
            }
        case "settle", "release", "reap":
            texts = [id, "\(Int.random(in: 1...200_000, using: &generator))", text(&generator), "{}"]
            for _ in keys.dropFirst(3) {
                let kind = ["L", "R", "B", "C", "X"].randomElement(using: &generator)!
                texts.append("\(kind) \(text(&generator)) \(text(&generator))")
            }
        case "renew": texts = [id, text(&generator), text(&generator), "{}"]
        case "expired": texts = [text(&generator), text(&generator), text(&generator), "0000000000"]
        case "peek":
            texts =
                ["", text(&generator)]
                + keys.dropFirst().map { _ in
                    "\(["L", "R", "B", "C"].randomElement(using: &generator)!) \(text(&generator))"
                }
        default:
            texts = [text(&generator), text(&generator), text(&generator)].dropLast(
                Int.random(in: 0...1, using: &generator))
        }
        // Now and then one of them is anything at all, or there is one more or less.
        if Int.random(in: 0..<3, using: &generator) == 0, let place = texts.indices.randomElement(using: &generator) {
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: texts.remove(at: place)
            case 1: texts.append(text(&generator))
            default: texts[place] = text(&generator)
            }
        }
        return texts.map { .string($0) }
    }
}
