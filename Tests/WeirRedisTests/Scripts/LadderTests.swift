import NIOCore
import Testing
import WeirCore
import WeirRedis

/// Calls that several models may serve, and calls whose answers may be shortened.
@Suite struct LadderTests {
    static let budget = ShardBed.counter(.budget(.month), limit: "spend")

    /// A call of 100 units on the first model, 50 on the second, 10 on the third, under a budget of 1000.
    static func call(
        costs: [Int?] = [100, 50, 10], amount: Int = 1000, least: Int? = nil, others: [AdmitScript.Entry] = []
    ) -> AdmitScript {
        var script = ShardBed.admission()
        script.call = Array(#"{"rung":1}"#.utf8)
        script.limits =
            [
                .init(
                    counter: budget, cost: costs[0], amount: amount, downgrade: .init(on: 800, off: 750), least: least)
            ] + others
        script.lower = costs.indices.dropFirst().map { index in
            .init(call: Array(#"{"rung":\#(index + 1)}"#.utf8), costs: [costs[index]] + others.map(\.cost))
        }
        return script
    }

    static func chosen(_ reply: AdmitScript.Reply) -> AdmitScript.Chosen? {
        if case .admitted(_, _, let chosen) = reply { chosen } else { nil }
    }

    private static func spend(_ units: Int, _ bed: ShardBed) async throws {
        try await bed.send("HSET", .string(budget.key), "settled", .int(units))
    }

    @Test func `below the threshold the first model serves, at it the next, and so on to the end`() async throws {
        try await ShardBed.run { (bed) async throws in
            for (settled, rung, held) in [(0, 0, 100), (799, 0, 100), (800, 1, 50), (950, 1, 50), (951, 2, 10)] {
                try await bed.send("DEL", .string(Self.budget.key))
                try await Self.spend(settled, bed)
                let answer = Self.chosen(try await bed.admit(Self.call()))
                #expect(answer == .init(rung: rung, held: [held]), "\(settled)")
                #expect(try await bed.field(Self.budget.key, "reserved") == held)
            }
        }
    }

    @Test func `reserved units count towards the threshold like settled ones`() async throws {
        try await ShardBed.run { (bed) async throws in
            var rungs: [Int?] = []
            for _ in 0..<12 { rungs.append(Self.chosen(try await bed.admit(Self.call()))?.rung) }
            #expect(rungs == [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1])
        }
    }

    @Test func `where nothing fits, the denial is the last model's, and nothing changes`() async throws {
        try await ShardBed.run { (bed) async throws in
            try await Self.spend(991, bed)
            let before = try await bed.everything()
            guard case .denied(_, 0, 991, 0, .some) = try await bed.admit(Self.call()) else {
                Issue.record("not denied")
                return
            }
            #expect(try await bed.everything() == before)
        }
    }

    @Test func `a call of the last model goes on until the budget is used up`() async throws {
        try await ShardBed.run { (bed) async throws in
            try await Self.spend(980, bed)
            let call = { Self.call(costs: [10]) }
            #expect(try await bed.admit(call()).isAdmitted)
            #expect(try await bed.admit(call()).isAdmitted)
            #expect(try await !bed.admit(call()).isAdmitted)
        }
    }

    @Test func `a budget that has sent calls down goes on until it is five points below, and says so`() async throws {
        try await ShardBed.run { (bed) async throws in
            func rung(_ settled: Int) async throws -> Int? {
                try await Self.spend(settled, bed)
                let call = Self.call()
                let rung = Self.chosen(try await bed.admit(call))?.rung
                _ = try await bed.end(.release, call)
                return rung
            }
            #expect(try await rung(790) == 0)
            #expect(try await bed.field(Self.budget.key, "ladder") == 0)
            #expect(try await rung(800) == 1)
            #expect(try await bed.field(Self.budget.key, "ladder") == 1)
            #expect(try await rung(790) == 1)
            #expect(try await rung(750) == 1)
            #expect(try await rung(749) == 0)
            #expect(try await bed.field(Self.budget.key, "ladder") == 0)
            #expect(try await rung(790) == 0)
        }
    }

    @Test func `a call without a ladder neither sets nor heeds the mark`() async throws {
        try await ShardBed.run { (bed) async throws in
            try await Self.spend(900, bed)
            #expect(Self.chosen(try await bed.admit(Self.call(costs: [10]))) == nil)
            #expect(try await bed.field(Self.budget.key, "ladder") == 0)
        }
    }

    @Test func `a limit of one model alone sends calls down, and its ladder's mark stands`() async throws {
        try await ShardBed.run { (bed) async throws in
            try await Self.spend(800, bed)
            let calls = ShardBed.counter(.log(windowMs: 60_000), limit: "cheap-calls")
            func call() -> AdmitScript {
                var call = Self.call(costs: [100, nil])
                call.limits.append(.init(counter: calls, cost: nil, amount: 1))
                call.lower = [.init(call: Array(#"{"rung":2}"#.utf8), costs: [nil, 1])]
                return call
            }
            let first = call()
            #expect(Self.chosen(try await bed.admit(first)) == .init(rung: 1, held: [0, 1]))
            #expect(try await bed.field(Self.budget.key, "ladder") == 1)
            #expect(try await bed.field(Self.budget.key, "reserved") == 0)
            guard case .denied(_, 1, 1, 0, .some) = try await bed.admit(call()) else {
                Issue.record("the second model's own limit does not deny")
                return
            }
            #expect(try await bed.end(.settle, first, units: [0, 1]) == .ended(skipped: 0))
            #expect(try await bed.field(Self.budget.key, "settled") == 800)
        }
    }

    @Test func `a repeated call stays with its model, whatever the budget holds by then`() async throws {
        try await ShardBed.run { (bed) async throws in
            try await Self.spend(800, bed)
            let call = Self.call()
            #expect(Self.chosen(try await bed.admit(call)) == .init(rung: 1, held: [50]))
            try await Self.spend(0, bed)
            let before = try await bed.everything()
            #expect(Self.chosen(try await bed.admit(call)) == .init(rung: 1, held: [50]))
            _ = try await bed.renew(call)
            #expect(Self.chosen(try await bed.admit(call))?.rung == 1)
            #expect(before.count == (try await bed.everything()).count)
        }
    }

    @Test func `the record is that of the model that serves`() async throws {
        try await ShardBed.run { (bed) async throws in
            try await Self.spend(800, bed)
            let call = Self.call()
            _ = try await bed.admit(call)
            guard
                case .bulk(let record) = try await bed.send(
                    "HGET", .string(RedisKeys.reservations(ShardBed.shard)), .string(call.id.text))
            else { return }
            #expect(String(buffer: record) == "\(ShardBed.startMs + 20_000) \(ShardBed.startMs) 50\n{\"rung\":2}\n")
        }
    }

    @Test func `a call that does not fit is shortened to what is left, if the shortest answer fits`() async throws {
        try await ShardBed.run { (bed) async throws in
            let other = AdmitScript.Entry(counter: ShardBed.counter(.budget(.day), limit: "tokens"), cost: 7, amount: 0)
            try await Self.spend(940, bed)
            let call = Self.call(costs: [100], least: 20, others: [other])
            #expect(Self.chosen(try await bed.admit(call)) == .init(rung: 0, held: [60, 7]))
            #expect(try await bed.field(Self.budget.key, "reserved") == 60)
            #expect(try await bed.end(.settle, call, units: [55, 6]) == .ended(skipped: 0))
            #expect(try await bed.peek(Self.budget) == [995, 0])
            // 5 left: less than the shortest answer costs.
            #expect(try await !bed.admit(Self.call(costs: [100], least: 20)).isAdmitted)
            #expect(try await bed.admit(Self.call(costs: [100], least: 5)).isAdmitted)
            #expect(try await !bed.admit(Self.call(costs: [100], least: 1)).isAdmitted)
        }
    }

    @Test func `only the last model's answer is shortened`() async throws {
        try await ShardBed.run { (bed) async throws in
            try await Self.spend(970, bed)
            #expect(Self.chosen(try await bed.admit(Self.call(least: 1))) == .init(rung: 2, held: [10]))
            try await Self.spend(984, bed)
            #expect(Self.chosen(try await bed.admit(Self.call(least: 1))) == .init(rung: 2, held: [6]))
        }
    }

    @Test(arguments: [Counter.budget(.day), .ring(windowMs: 60_000)])
    func `what holds nothing is denied where nothing is left`(counter: Counter) async throws {
        try await ShardBed.run { (bed) async throws in
            let entry = AdmitScript.Entry(
                counter: ShardBed.counter(counter), cost: 0, amount: 10, deniesWhenFull: true)
            for used in [4, 5] {
                let call = ShardBed.admission(entry)
                #expect(try await bed.admit(call).isAdmitted)
                #expect(try await bed.end(.settle, call, units: [used]) == .ended(skipped: 0))
            }
            let last = ShardBed.admission(entry)
            #expect(try await bed.admit(last).isAdmitted, "one is left")
            #expect(try await bed.end(.settle, last, units: [1]) == .ended(skipped: 0))
            guard case .denied(_, 0, 10, 0, .some) = try await bed.admit(ShardBed.admission(entry)) else {
                Issue.record("admitted at its amount")
                return
            }
        }
    }
}
