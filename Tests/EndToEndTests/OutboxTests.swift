import Foundation
import Glibc
import Synchronization
import Testing
import WeirCore
import WeirProviders
import WeirTestSupport

extension EndToEnd.Faults {
    /// Nodes, aggregator and Redis die, alone or together; no finished call is lost, and none is counted twice.
    @Suite struct OutboxTests {
        @Test func `F-G4: a gateway killed between a call's end and Redis settles it when it starts again`()
            async throws
        {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "replayed", user: "rae")
            let template = try Replacements.Template(pid: stack.pid("gateway-1"))
            var doomed = template
            doomed.environment["WEIR_CRASH_AT"] = "before-settlement"
            try await stack.end("gateway-1", .kill)
            try await stack.replacements.start("gateway-1", doomed, readyMark: "weir gateway ready: ")
            await #expect(throws: (any Error).self) {
                try await stack.call(person, CallRequest(simulate: "input=120;output=30"), gateway: 0)
            }
            let pid = try stack.pid("gateway-1")
            try await eventually("the gateway is gone") { isGone(pid) }
            try await stack.replacements.start("gateway-1", template, readyMark: "weir gateway ready: ")

            try await eventually("settled at what it used", within: .seconds(30)) {
                try await stack.events(team: "replayed").map(\.outcome) == ["completed"]
            }
            let event = try #require(try await stack.events(team: "replayed").first)
            let seen = try #require(try await stack.witnessed([event.request])[event.request])
            let cost = try seen.costMicros(.shipped())
            #expect(event.tokens == seen.tokens && event.costMicros == cost)
            try await eventually("charged once, nothing held") {
                try await stack.budget("spend", "user:replayed/rae") == .init(settled: cost)
            }
            try await FaultReport(
                "F-G4",
                invariant: "a call that ended before its gateway was killed is in the ledger once, at its usage",
                bound: "1 event, \(cost) micro-dollars",
                measured: "\(stack.events(team: "replayed").count) event, \(event.costMicros) micro-dollars"
            ).report()
        }

        @Test func `F-X1: kill -9 of anything at any moment loses no finished call and counts none twice`() async throws
        {
            let stack = try Stack.here
            let seed = ProcessInfo.processInfo.environment["WEIR_SEED"].flatMap { UInt64($0) }
            var random = seed.map { SeededGenerator(seed: $0) } ?? SeededGenerator()
            let rounds = FaultReport.rounds(3, full: 200)
            print("F-X1: \(rounds) rounds, WEIR_SEED=\(random.seed)")
            let people = [
                try await stack.newPerson(team: "nemesis-a", user: "nan"),
                try await stack.newPerson(team: "nemesis-b", user: "ned"),
                try await stack.newPerson(team: "nemesis-c", user: "nia"),
            ]
            let traffic = NemesisTraffic()
            var kills = 0
            let finished = try await withThrowingTaskGroup(of: [String].self) { group in
                for person in people {
                    for number in 0..<3 { group.addTask { await traffic.run(stack, person, number) } }
                }
                do {
                    for _ in 0..<rounds {
                        // Under load every time.
                        let before = traffic.count
                        try await eventually("calls go on", within: .seconds(60)) { traffic.count > before + 5 }
                        kills += try await stack.killAndReplace(using: &random)
                    }
                } catch {
                    traffic.stop()
                    throw error
                }
                // All of them at work once more, so that what waits anywhere can move.
                let before = traffic.count
                try await eventually("calls go on", within: .seconds(60)) { traffic.count > before + 20 }
                traffic.stop()
                return try await group.reduce(into: [String]()) { $0 += $1 }
            }
            let note = "seed \(random.seed)"
            #expect(Set(finished).count == finished.count && finished.count > 5 * rounds, "\(finished.count), \(note)")
            let teams = Set(people.map(\.team))
            try await eventually("every finished call in the ledger, \(note)", within: .seconds(60)) {
                try await Set(stack.events(teams: teams).filter { $0.outcome == "completed" }.map(\.request))
                    .isSuperset(of: finished)
            }
            try await eventually("nothing is kept any more, \(note)", within: .seconds(60)) {
                try await stack.outboxRows() == 0
            }
            let events = try await stack.events(teams: teams)
            let witnessed = try await stack.witnessed(events.map(\.request))
            let prices = try PriceTable.shipped()
            #expect(Set(events.map(\.request)).count == events.count, "none twice, \(note)")
            for event in events where event.outcome == "completed" {
                let seen = try #require(witnessed[event.request], "\(event.request) was never made, \(note)")
                #expect(event.tokens == seen.tokens, "\(event), seen as \(seen), \(note)")
                #expect(try event.costMicros == seen.costMicros(prices), "\(event), \(note)")
            }
            let sums = Set(finished)
            let lost = sums.subtracting(events.map(\.request)).count
            let charged = events.filter { sums.contains($0.request) }.map(\.costMicros).reduce(0, +)
            let owed = try finished.map { try witnessed[$0]?.costMicros(prices) ?? -1 }.reduce(0, +)
            #expect(charged == owed, "\(note)")
            let over = try await stack.overcharged(people, events, note)
            let verified = try await stack.weir("ledger", "verify")
            #expect(verified.status == 0, "\(verified.output) \(verified.errors)")
            try FaultReport(
                "F-X1", invariant: "finished calls of the provider's log = events in the ledger, to the micro-dollar",
                bound: "0 lost, 0 twice, \(owed) micro-dollars",
                measured:
                    "\(kills) kills in \(rounds) rounds: \(lost) of \(finished.count) lost, \(events.count - Set(events.map(\.request)).count) twice, \(charged) micro-dollars"
            ).report()
            try FaultReport(
                "F-X1", invariant: "nothing stays reserved, and Redis's budgets are the ledger's sums",
                bound: "0 micro-dollars",
                measured:
                    "\(over) micro-dollars over, orphans in \(events.filter { $0.outcome == "orphaned" }.count) events"
            ).report()
        }
    }
}

extension Stack {
    /// Kills some of the processes at the same moment and starts them again, Redis with what it kept, or empty.
    /// Returns how many.
    fileprivate func killAndReplace(using random: inout SeededGenerator) async throws -> Int {
        try await Task.sleep(for: .milliseconds(Int.random(in: 20...500, using: &random)))
        let all = ["redis", "aggregator", "gateway-1", "gateway-2"]
        var chosen = all.filter { _ in Bool.random(using: &random) }
        if chosen.isEmpty { chosen = all }
        let redis = try Replacements.Template(
            redis: ready.redis, directory: dev.directory, appendOnly: Bool.random(using: &random))
        let templates = try chosen.map { ($0, $0 == "redis" ? redis : try Replacements.Template(pid: pid($0))) }
        let pids = try chosen.map { try pid($0) }
        for pid in pids { kill(pid, SIGKILL) }
        try await eventually("killed", within: .seconds(60)) { pids.allSatisfy { isGone($0) } }
        for (name, template) in templates {
            let mark = name == "redis" ? "Ready to accept connections" : "weir \(name.prefix { $0 != "-" }) ready: "
            try await replacements.start(name, template, readyMark: mark)
        }
        return chosen.count
    }

    /// Waits until nothing is reserved and each budget holds what the ledger has of it. Returns by how much budgets of money
    /// are over.
    fileprivate func overcharged(_ people: [Person], _ events: [LedgerEvent], _ note: String) async throws -> Int {
        var over = 0
        for person in people {
            let own = events.filter { $0.team == person.team }
            let orphans = own.filter { $0.outcome == "orphaned" }
            let subject = "user:\(person.team)/\(person.user)"
            func isRight(_ budget: Budget, _ units: (LedgerEvent) -> Int) -> Bool {
                budget.reserved == 0 && budget.settled == own.map(units).reduce(0, +)
            }
            var held: [Budget] = []
            do {
                try await eventually("budgets", within: .seconds(60)) {
                    held = try await [self.budget("spend", subject), self.budget("day-tokens", subject)]
                    return isRight(held[0], \.costMicros) && isRight(held[1], \.tokens.total)
                }
            } catch is ConditionNotMet {
                Issue.record(
                    """
                    \(subject): \(held), ledger \(own.map(\.costMicros).reduce(0, +)) micro-dollars, \
                    \(own.map(\.tokens.total).reduce(0, +)) tokens, \(orphans.count) orphans, \(note)
                    """)
            }
            over += held[0].settled - own.map(\.costMicros).reduce(0, +)
        }
        return over
    }
}

/// Clients who go on calling whatever happens, and know which of their calls they have the whole answer of.
private final class NemesisTraffic: Sendable {
    private let state = Mutex((goesOn: true, count: 0))
    var count: Int { state.withLock { $0.count } }
    func stop() { state.withLock { $0.goesOn = false } }

    func run(_ stack: Stack, _ person: Person, _ number: Int) async -> [String] {
        var finished: [String] = []
        while state.withLock({ $0.goesOn }) {
            let request = CallRequest(
                api: number == 0 ? .chat : .messages, isStream: number == 2,
                simulate: "input=\(number + 10);output=\(finished.count % 50 + 1)")
            do {
                let answer = try await stack.call(person, request)
                if answer.status == 200 {
                    finished.append(answer.request)
                    state.withLock { $0.count += 1 }
                    continue
                }
            } catch {
                // Its gateway was killed, or is not there yet.
            }
            do { try await Task.sleep(for: .milliseconds(20)) } catch { break }
        }
        return finished
    }
}
