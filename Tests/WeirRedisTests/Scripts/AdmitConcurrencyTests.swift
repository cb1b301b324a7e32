import NIOCore
import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@Suite struct AdmitConcurrencyTests {
    @Test(arguments: [
        Counter.log(windowMs: 3_600_000), .ring(windowMs: 3_600_000), .budget(.month), .inFlight,
    ])
    func `of 5,000 calls at once, at limit minus k, exactly k are admitted`(counter: Counter) async throws {
        let (amount, k) = (100, 37)
        try await ShardBed.run { (bed) async throws in
            let entry = AdmitScript.Entry(counter: ShardBed.counter(counter), cost: 1, amount: amount)
            for _ in 0..<amount - k { #expect(try await bed.admit(ShardBed.admission(entry)).isAdmitted) }
            let admitted = try await Self.admitted(of: 5_000, connections: 4, to: bed) {
                ShardBed.admission(entry)
            }
            #expect(admitted == k)
            let used = try #require(try await bed.peek(entry.counter))
            #expect(used[0] + used[1] == amount)
        }
    }

    @Test func `of many calls at once that cost more than one, the sum never passes the amount of any limit`()
        async throws
    {
        try await ShardBed.run { (bed) async throws in
            let tokens = ShardBed.counter(.ring(windowMs: 3_600_000), limit: "tokens")
            let spend = ShardBed.counter(.budget(.day), limit: "spend")
            let admitted = try await Self.admitted(of: 1_000, connections: 4, to: bed) {
                ShardBed.admission(
                    .init(counter: tokens, cost: 7, amount: 1_000), .init(counter: spend, cost: 13, amount: 1_500))
            }
            // 142 by tokens, 115 by money: the lesser, and both limits hold exactly as many.
            #expect(admitted == 115)
            #expect(try await bed.peek(tokens, spend) == [115 * 7, 0, 0, 115 * 13])
        }
    }

    @Test func `the same id from many connections at once is charged once`() async throws {
        try await ShardBed.run { (bed) async throws in
            let spend = ShardBed.counter(.budget(.day))
            let call = ShardBed.admission(.init(counter: spend, cost: 10, amount: 1_000_000))
            let admitted = try await Self.admitted(of: 500, connections: 4, to: bed) { call }
            #expect(admitted == 500)
            #expect(try await bed.peek(spend) == [0, 10])
        }
    }

    /// How many of `count` calls are admitted, all on their way at once through several connections.
    static func admitted(
        of count: Int, connections: Int, to bed: ShardBed, _ script: @escaping @Sendable () -> AdmitScript
    ) async throws -> Int {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<connections {
                group.addTask {
                    try await withConnection(
                        to: bed.server, as: .gateway,
                        adjust: { configuration in
                            configuration.database = bed.database
                            configuration.commandDeadline = .seconds(60)
                        }
                    ) { redis in
                        try await withThrowingTaskGroup(of: Bool.self) { calls in
                            for _ in 0..<count / connections {
                                calls.addTask { try await script().run(on: redis).isAdmitted }
                            }
                            return try await calls.reduce(0) { $0 + ($1 ? 1 : 0) }
                        }
                    }
                }
            }
            return try await group.reduce(0, +)
        }
    }
}
