import Testing
import WeirCore
import WeirRedis

@Suite struct ShardTests {
    /// Part of the stored layout: a team that changes its shard loses what it has spent. Reckoned outside of Weir.
    @Test(arguments: [
        ("", 1, 41),
        ("a", 0, 64),
        ("acme", 12, 16),
        ("globex", 9, 53),
        ("team-1", 7, 71),
        ("192.0.2.7", 3, 75),
        ("T01ABCDEF", 5, 57),
        ("café", 3, 83),
    ])
    func `a team's shard never changes`(name: String, of16: Int, of100: Int) {
        #expect(Shard(of: name).number == of16)
        #expect(Shard(of: name, count: 100).number == of100)
    }

    @Test(arguments: [1, 2, 16, 100])
    func `teams are spread evenly`(count: Int) {
        var teams = Array(repeating: 0, count: count)
        for number in 0..<10_000 { teams[Shard(of: "team-\(number)", count: count).number] += 1 }
        let fair = 10_000 / count
        #expect(teams.allSatisfy { (fair * 2 / 3...fair * 4 / 3 + 1).contains($0) }, "\(teams)")
    }

    @Test func `shards have tags of two digits, and a senseless count gives the first`() {
        #expect(Shard.all(count: 11).map(\.tag) == (0..<10).map { "{0\($0)}" } + ["{10}"])
        #expect(Shard(of: "acme", count: 0).number == 0)
        #expect(Shard(of: "acme", count: -3).number == 0)
    }

    @Test func `keys are named as operators find them`() {
        let shard = Shard(number: 7)
        let day = Period.day.containing(ms: 1_795_262_400_000)
        #expect(RedisKeys.epoch(shard) == "weir:{07}:epoch")
        #expect(RedisKeys.reservations(shard) == "weir:{07}:reservations")
        #expect(RedisKeys.usage(shard) == "weir:{07}:usage")
        func key(_ counter: Counter) -> String {
            CounterKey(
                shard: shard, limit: "ai-calls", subject: "user:acme/alice", counter: counter, atMs: 1_795_262_400_000
            ).key
        }
        #expect(key(.log(windowMs: 1)) == "weir:{07}:window:ai-calls:user:acme/alice")
        #expect(key(.ring(windowMs: 1)) == "weir:{07}:window:ai-calls:user:acme/alice")
        #expect(key(.budget(.day)) == "weir:{07}:budget:ai-calls:user:acme/alice:2026-11-21")
        #expect(key(.budget(.week)) == "weir:{07}:budget:ai-calls:user:acme/alice:2026-W47")
        #expect(key(.budget(.month)) == "weir:{07}:budget:ai-calls:user:acme/alice:2026-11")
        #expect(key(.inFlight) == "weir:{07}:concurrency:ai-calls:user:acme/alice")
        #expect(RedisKeys.budget(shard, limit: "l", subject: "s", period: day) == "weir:{07}:budget:l:s:2026-11-21")
    }
}
