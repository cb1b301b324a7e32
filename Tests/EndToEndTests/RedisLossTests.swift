import Foundation
import Glibc
import Synchronization
import Testing
import WeirTestSupport

extension EndToEnd.Faults {
    /// Redis loses what it held while clients call; the provider's log is the witness.
    @Suite struct RedisLossTests {
        @Test func `F-R2: FLUSHALL under load: ledger and budgets are the provider's log, call by call`() async throws {
            let stack = try Stack.here
            try await stack.survive("F-R2", "FLUSHALL", times: FaultReport.rounds(2, full: 10)) {
                try await stack.redisCLI("FLUSHALL")
            }
        }

        @Test func `F-R1: Redis killed and started again: ledger and budgets are the provider's log, call by call`()
            async throws
        {
            let stack = try Stack.here
            let times = FaultReport.rounds(1, full: 5)
            try await stack.survive("F-R1", "with its log", times: times) {
                // An earlier test may have left it without one, or with an old one.
                try await stack.redisCLI("CONFIG", "SET", "appendonly", "yes")
                try await eventually("its log is whole") {
                    let state = try await stack.redisCLI("INFO", "persistence")
                    return state.contains("aof_rewrite_in_progress:0") && state.contains("aof_rewrite_scheduled:0")
                }
                try await stack.replaceRedis()
            }
            try await stack.survive("F-R1", "with an old snapshot", times: times) {
                try await stack.redisCLI("SAVE")
                try await Task.sleep(for: .milliseconds(Int.random(in: 50...300)))
                try await stack.replaceRedis(appendOnly: false)
                try FileManager.default.removeItem(atPath: stack.dev.directory + "/dump.rdb")
            }
            try await stack.survive("F-R1", "with nothing", times: times) {
                try await stack.replaceRedis(appendOnly: false)
            }
        }
    }
}

extension Stack {
    /// Loses what Redis holds while two people of a new team call, and compares the accounts.
    fileprivate func survive(
        _ fault: String, _ what: String, times: Int, lose: @escaping @Sendable () async throws -> Void
    ) async throws {
        let team = "\(fault)-\(what)".lowercased().replacing(" ", with: "-")
        let people = [try await newPerson(team: team, user: "ann"), try await newPerson(team: team, user: "ben")]
        let traffic = LossTraffic()
        let slowest = try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, person) in (people + people).enumerated() {
                group.addTask { try await traffic.run(self, person, isStream: index % 2 == 0) }
            }
            var slowest = Duration.zero
            do {
                for _ in 0..<times {
                    try await traffic.goOn(20)
                    let denied = traffic.denied
                    try await lose()
                    let lost = ContinuousClock.now
                    // What was under way when Redis was lost has ended, or is known to be lost.
                    try await eventually("denied meanwhile") { traffic.denied > denied }
                    try await traffic.goOn(1)
                    slowest = max(slowest, lost.duration(to: .now))
                    try await traffic.goOn(20)
                }
            } catch {
                traffic.stop()
                throw error
            }
            traffic.stop()
            try await group.waitForAll()
            return slowest
        }
        try await expectAccountsToMatchWitness(traffic.made)
        try FaultReport(
            fault, invariant: "\(what), under load: ledger = Redis's budgets = provider's log, E1 E2 R1",
            bound: "0 micro-dollars and 0 tokens off",
            measured: "0 off in \(traffic.made.count) calls, the next admitted after \(slowest) at most"
        ).report()
    }
}

/// Clients who go on calling, and know which of their calls were admitted.
private final class LossTraffic: Sendable {
    private let state = Mutex((goesOn: true, made: [MadeCall](), denied: 0))
    var made: [MadeCall] { state.withLock { $0.made } }
    var denied: Int { state.withLock { $0.denied } }
    func stop() { state.withLock { $0.goesOn = false } }

    /// Waits until so many more have been admitted.
    func goOn(_ count: Int) async throws {
        let before = made.count
        try await eventually("calls go on", within: .seconds(60)) { made.count >= before + count }
    }

    func run(_ stack: Stack, _ person: Person, isStream: Bool) async throws {
        while state.withLock({ $0.goesOn }) {
            let request = CallRequest(isStream: isStream, simulate: "input=10;output=\(Int.random(in: 1...60))")
            let answer = try await stack.call(person, request)
            if answer.status == 200 {
                state.withLock { $0.made.append(MadeCall(person: person, request: answer.request)) }
            } else {
                #expect(answer.status == 503 && answer.denied?.reason == "degraded", "\(answer)")
                state.withLock { $0.denied += 1 }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }
}
