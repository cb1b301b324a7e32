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

    /// What a double can be besides a whole number from 0 to 2^53 - 1.
    static let doubles = [Double.nan, .infinity, -.infinity, -1, 0.5, 9_007_199_254_740_992, 1e300]

    /// Big-endian doubles, as scripts take the numbers of limits.
    static func packed(_ numbers: [Double]) -> RedisArgument {
        .bytes(
            numbers.flatMap { number in
                stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number.bitPattern >> UInt64($0)) }
            })
    }

    /// True if the script answers with an error and has changed nothing.
    static func isRefused(
        _ bed: ShardBed, _ script: RedisScript, _ arguments: [RedisArgument], keys: [String]
    ) async throws -> Bool {
        let before = try await bed.everything()
        let isError = await CorruptStateTests.isServerError {
            _ = try await bed.redis.run(script, keys: keys, arguments: arguments)
        }
        let after = try await bed.everything()
        return isError && before == after
    }

    static let heads = [RedisKeys.epoch(ShardBed.shard), RedisKeys.reservations(ShardBed.shard)]
    static let counters = CorruptStateTests.counters.map { ShardBed.counter($0) }
    private static let record = "2540000020000 2540000000000 1\n{}\n"

    private static func admission(_ limits: [Double]) -> [RedisArgument] {
        [
            .string(ShardBed.newID().text), .int(ShardBed.startMs), .int(ShardBed.startMs), .string(record),
            packed(limits),
        ]
    }

    @Test(arguments: doubles)
    func `an admission with a number that is none is refused`(number: Double) async throws {
        try await ShardBed.run { (bed) async throws in
            for counter in Self.counters {
                for place in 0..<4 {
                    var limit = [Double(counter.kind), 1, 5, Double(max(counter.span, 1)), 1]
                    limit[place] = number
                    #expect(
                        try await Self.isRefused(
                            bed, ScriptCatalogue.admit, Self.admission(limit), keys: Self.heads + [counter.key]),
                        "\(counter.kind), place \(place)")
                }
            }
        }
    }

    @Test func `an admission of the wrong shape is refused`() async throws {
        try await ShardBed.run { (bed) async throws in
            let good = Self.admission([1, 1, 5, 60_000, 1])
            let keys = Self.heads + [Self.counters[0].key]
            var changes: [(Int, RedisArgument)] = [
                (0, ""), (0, "short"), (0, .string(String(repeating: "0", count: 27))), (3, "{}"), (3, ""),
                (3, "1 2 3\n{}"), (3, "1 2 3\n{\n}\n"), (4, ""), (4, Self.packed([1, 1, 5, 60_000])),
                (4, Self.packed([1, 1, 5, 60_000, 1, 1])), (4, Self.packed([0, 1, 5, 60_000, 1])),
                (4, Self.packed([5, 1, 5, 60_000, 1])),
            ]
            for kind in [1.0, 2, 3, 4] { changes.append((4, Self.packed([kind, 1, 5, 0, 1]))) }
            for text in Self.numbers {
                changes.append((2, .string(text)))
            }
            for (place, change) in changes {
                var arguments = good
                arguments[place] = change
                #expect(
                    try await Self.isRefused(bed, ScriptCatalogue.admit, arguments, keys: keys), "\(place) \(change)")
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

    @Test func `a choice of the wrong shape is refused`() async throws {
        try await ShardBed.run { (bed) async throws in
            let keys = Self.heads + [ShardBed.counter(.budget(.day)).key]
            let limit: [Double] = [3, 1, 5, Double(ShardBed.counter(.budget(.day)).span), 1]
            let good = Self.admission(limit) + [.string(Self.record), Self.packed(limit), Self.packed([4, 3, 1])]
            var changes: [(Int, RedisArgument)] = [
                (5, ""), (5, "1 2 3\n{}"), (6, ""), (6, Self.packed([1, 2])), (7, ""), (7, Self.packed([1, 2])),
            ]
            for number in Self.doubles {
                changes += [
                    (6, Self.packed([3, number, 5, limit[3], 1])), (7, Self.packed([4, number, 1])),
                    (7, Self.packed([number, 3, 1])), (7, Self.packed([4, 3, number])),
                ]
            }
            // The first model does not fit, so that the second is looked at.
            try await bed.send("HSET", .string(keys[2]), "settled", "4")
            for (place, change) in changes {
                var arguments = good
                arguments[place] = change
                #expect(
                    try await Self.isRefused(bed, ScriptCatalogue.admit, arguments, keys: keys), "\(place) \(change)")
            }
            for count in 6..<good.count {
                #expect(try await Self.isRefused(bed, ScriptCatalogue.admit, Array(good.prefix(count)), keys: keys))
            }
            let many = Array(good.dropLast()) + (0..<30).map { good[5 + $0 % 2] } + [good[7]]
            #expect(try await Self.isRefused(bed, ScriptCatalogue.admit, many, keys: keys), "17 models")
            #expect(try await !Self.isRefused(bed, ScriptCatalogue.admit, good, keys: keys))
        }
    }

    @Test(arguments: doubles)
    func `an end with a number that is none is refused`(number: Double) async throws {
        try await ShardBed.run { (bed) async throws in
            let call = ReservationTests.call()
            _ = try await bed.admit(call)
            let keys = Self.heads + [RedisKeys.usage(ShardBed.shard)] + call.limits.map(\.counter.key)
            let now = RedisArgument.int(ShardBed.startMs + 30_000)
            let limits: [Double] = call.limits.flatMap {
                [Double($0.counter.kind), 1.0, Double($0.counter.span)] as [Double]
            }
            for script in [ScriptCatalogue.settle, ScriptCatalogue.release, ScriptCatalogue.reap] {
                for place in limits.indices {
                    var changed = limits
                    changed[place] = number
                    let arguments = [.string(call.id.text), now, now, "{}", Self.packed(changed)]
                    #expect(try await Self.isRefused(bed, script, arguments, keys: keys), "\(script.name) \(place)")
                }
            }
        }
    }

    @Test(arguments: numbers)
    func `times and seeds that are no whole numbers are refused`(text: String) async throws {
        try await ShardBed.run { (bed) async throws in
            let call = ReservationTests.call()
            _ = try await bed.admit(call)
            let keys = Self.heads + [RedisKeys.usage(ShardBed.shard)] + call.limits.map(\.counter.key)
            let now = RedisArgument.int(ShardBed.startMs + 30_000)
            let limits = Self.packed(
                call.limits.flatMap { [Double($0.counter.kind), 1.0, Double($0.counter.span)] as [Double] })
            for script in [ScriptCatalogue.settle, ScriptCatalogue.release, ScriptCatalogue.reap] {
                for place in [1, 2] {
                    var arguments = [.string(call.id.text), now, now, "{}", limits]
                    arguments[place] = .string(text)
                    #expect(try await Self.isRefused(bed, script, arguments, keys: keys), "\(script.name)")
                }
            }
            for place in [1, 2] {
                var arguments: [RedisArgument] = [.string(call.id.text), now, "20000", "{}"]
                arguments[place] = .string(text)
                let keys = Self.heads + [ReservationTests.inFlight.key]
                #expect(try await Self.isRefused(bed, ScriptCatalogue.renew, arguments, keys: keys))
            }
            try await bed.send("DEL", .string(RedisKeys.epoch(ShardBed.shard)))
            for arguments: [RedisArgument] in [
                [.string(text), .int(ShardBed.startMs), "1"], ["5", .string(text), "1"],
                ["5", .int(ShardBed.startMs), .string(text)],
            ] {
                let keys = [
                    RedisKeys.epoch(ShardBed.shard), "weir:{07}:budget:new", RedisKeys.fence(ShardBed.shard),
                    RedisKeys.reservations(ShardBed.shard),
                ]
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
            // With each further script as many as before for the others.
            let rounds = 150 * ScriptCatalogue.all.count
            for round in 0..<rounds {
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
            #expect(succeeded > 100, "seed \(seed): \(succeeded) of \(rounds) were no errors")
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
                    "orphaned \(text(&generator)),1", "counted\n\(text(&generator)) weir:{07}:3", text(&generator),
                ].randomElement(using: &generator)!
                writes.append(["HSET", .string(key), .string(id), .string(record)])
            default: break
            }
        }
        return (keys, writes)
    }

    func arguments(of script: RedisScript, keys: [String], using generator: inout SeededGenerator) -> [RedisArgument] {
        var texts: [RedisArgument]
        func word() -> RedisArgument { .string(text(&generator)) }
        func number() -> Double {
            Int.random(in: 0..<6, using: &generator) == 0
                ? ArgumentTests.doubles.randomElement(using: &generator)!
                : Double(Int.random(in: 0...100_000, using: &generator))
        }
        func kind() -> Double { Double(Int.random(in: 0...5, using: &generator)) }
        let now = Int.random(in: 1...200_000, using: &generator)
        switch script.name {
        case "admit":
            let limits = keys.dropFirst(2).flatMap { _ in [kind(), number(), number(), number(), 1.0] as [Double] }
            texts = [.string(id), .int(now), .int(now), "30000 1 1,2\n{}\n", ArgumentTests.packed(limits)]
        case "settle", "release", "reap":
            let limits = keys.dropFirst(3).flatMap { _ in [kind(), number(), number()] as [Double] }
            texts = [.string(id), .int(now), word(), "{}", ArgumentTests.packed(limits)]
        case "renew": texts = [.string(id), word(), word(), "{}"]
        case "expired": texts = [word(), word(), word(), "0000000000"]
        case "peek":
            texts =
                ["", word()]
                + keys.dropFirst(2).map { _ in
                    .string("\(["L", "R", "B", "C"].randomElement(using: &generator)!) \(text(&generator))")
                }
        case "counted": texts = [word(), .string(id), .string("counted\n\(text(&generator)) weir:{07}:3")]
        case "restore": texts = [[word(), ""].randomElement(using: &generator)!, word(), word(), word(), word()]
        default:
            texts = [word(), word(), word()].dropLast(Int.random(in: 0...1, using: &generator))
        }
        // Now and then one of them is anything at all, or there is one more or less.
        if Int.random(in: 0..<3, using: &generator) == 0, let place = texts.indices.randomElement(using: &generator) {
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: texts.remove(at: place)
            case 1: texts.append(word())
            default: texts[place] = word()
            }
        }
        return texts
    }
}
