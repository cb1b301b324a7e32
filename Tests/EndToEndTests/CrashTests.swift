import Foundation
import Glibc
import Synchronization
import Testing
import WeirTestSupport

extension EndToEnd.Faults {
    /// Processes die and stop; the books stay right.
    @Suite struct CrashTests {
        @Test func `F-A2: an aggregator killed at any moment loses nothing and counts nothing twice`() async throws {
            let stack = try Stack.here
            let kills = FaultReport.rounds(5, full: 30)
            let people = [
                try await stack.newPerson(team: "crash-a", user: "ann"),
                try await stack.newPerson(team: "crash-b", user: "ben"),
            ]
            let traffic = Traffic()
            let made = try await withThrowingTaskGroup(of: [MadeCall].self) { group in
                for person in people {
                    for number in 0..<4 {
                        group.addTask {
                            var made: [MadeCall] = []
                            while traffic.goesOn {
                                let request = CallRequest(
                                    api: number % 2 == 0 ? .messages : .chat, isStream: number > 1,
                                    simulate: "input=\(number + 10);output=\(made.count % 50 + 1)")
                                made.append(
                                    MadeCall(person: person, request: try await stack.call(person, request).request))
                            }
                            return made
                        }
                    }
                }
                do {
                    for _ in 0..<kills {
                        // A random moment of the work, not a wait for something.
                        try await Task.sleep(for: .milliseconds(Int.random(in: 20...400)))
                        try await stack.replaceAggregator()
                    }
                } catch {
                    traffic.stop()
                    throw error
                }
                traffic.stop()
                return try await group.reduce(into: [MadeCall]()) { $0 += $1 }
            }
            #expect(made.count > 50, "traffic went on meanwhile")
            try await stack.expectAccountsToMatchWitness(made)
            try FaultReport(
                "F-A2",
                invariant: "kill -9 of the aggregator under load: ledger = provider's log, to the micro-dollar, E1 E2",
                bound: "\(made.count) calls", measured: "\(made.count) calls, \(kills) kills"
            ).report()
        }

        @Test func `F-G1: calls of a killed gateway are settled once as orphaned when their leases have run out`()
            async throws
        {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "orphan", user: "oda")
            let endless = CallRequest(isStream: true, simulate: "input=100;output=1000;chunks=1000;delay-ms=100")
            var calls: [OpenCall] = []
            for _ in 0..<4 { calls.append(try await stack.open(person, endless, gateway: 0)) }
            let subject = "user:orphan/oda"
            #expect(try await stack.budget("spend", subject).reserved > 0)
            let template = try Replacements.Template(pid: stack.pid("gateway-1"))
            try await stack.end("gateway-1", .kill)
            let requests = Set(calls.map(\.request))
            for call in calls { await #expect(throws: (any Error).self) { try await call.rest() } }

            try await eventually("orphans in the ledger", within: .seconds(30)) {
                try await Set(stack.events(team: "orphan").map(\.request)) == requests
            }
            let events = try await stack.events(team: "orphan")
            let seen = try await stack.witnessed(requests)
            #expect(events.count == calls.count)
            for event in events {
                let call = try #require(seen[event.request])
                #expect(event.outcome == "orphaned")
                // What the provider made after the last renewal nobody has seen.
                #expect(event.tokens.input > 0 && event.tokens.output <= call.output_tokens && event.costMicros > 0)
            }
            try await eventually("nothing reserved") { try await stack.budget("spend", subject).reserved == 0 }
            #expect(try await stack.budget("spend", subject).settled == events.map(\.costMicros).reduce(0, +))
            #expect(
                try await stack.budget("day-tokens", subject) == .init(settled: events.map(\.tokens.total).reduce(0, +))
            )
            try FaultReport(
                "F-G1", invariant: "each call of a killed gateway is charged what was last seen, once",
                bound: "\(calls.count) rows", measured: "\(events.count) rows, 0 units left reserved"
            ).report()
            try await stack.replacements.start("gateway-1", template, readyMark: "weir gateway ready: ")
        }

        @Test func `F-G2: a gateway stopped beyond its leases settles what it really was when it goes on`() async throws
        {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "zombie", user: "zoe")
            let stream = CallRequest(isStream: true, simulate: "input=100;output=40;chunks=20;delay-ms=50")
            var calls: [OpenCall] = []
            for _ in 0..<3 { calls.append(try await stack.open(person, stream, gateway: 0)) }
            let requests = Set(calls.map(\.request))
            try stack.send(SIGSTOP, to: "gateway-1")
            do {
                try await eventually("orphans in the ledger", within: .seconds(60)) {
                    let events = try await stack.events(team: "zombie")
                    return Set(events.map(\.request)) == requests && events.allSatisfy { $0.outcome == "orphaned" }
                }
            } catch {
                try stack.send(SIGCONT, to: "gateway-1")
                throw error
            }
            try stack.send(SIGCONT, to: "gateway-1")
            for call in calls { #expect(try await call.rest().contains("message_stop")) }
            try await eventually("their real usage", within: .seconds(30)) {
                try await stack.events(team: "zombie").allSatisfy { $0.outcome == "completed" }
            }
            try await stack.expectAccountsToMatchWitness(calls.map { MadeCall(person: person, request: $0.request) })
            let events = try await stack.events(team: "zombie")
            let settled = try await stack.budget("spend", "user:zombie/zoe")
            #expect(settled == .init(settled: events.map(\.costMicros).reduce(0, +)))
            try FaultReport(
                "F-G2", invariant: "a late settlement takes the orphan's place, once, in ledger and counters",
                bound: "\(calls.count) rows, 0 micro-dollars off",
                measured:
                    "\(events.count) rows, \(settled.settled - events.map(\.costMicros).reduce(0, +)) micro-dollars off"
            ).report()
        }

        @Test func `F-G3: a gateway that is told to end lets its streams end, settles all and ends well`() async throws
        {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "drained", user: "dan")
            // Its own process, so that its exit code can be seen.
            try await stack.replaceGateway(1, ended: .terminate)
            let stream = CallRequest(isStream: true, simulate: "input=100;output=40;chunks=20;delay-ms=50")
            var calls: [OpenCall] = []
            for _ in 0..<4 { calls.append(try await stack.open(person, stream, gateway: 0)) }
            let template = try Replacements.Template(pid: stack.pid("gateway-1"))
            let gateway = try #require(stack.replacements.program("gateway-1"))
            gateway.send(signal: SIGTERM)
            for call in calls { #expect(try await call.rest().contains("message_stop")) }
            #expect(await gateway.end() == 0, "\(gateway.log)")
            try await stack.expectAccountsToMatchWitness(calls.map { MadeCall(person: person, request: $0.request) })
            try FaultReport(
                "F-G3", invariant: "SIGTERM: streams end whole, all is charged, exit 0, E1 M1",
                bound: "\(calls.count) calls as the provider saw them", measured: "\(calls.count), exit 0"
            ).report()
            try await stack.replacements.start("gateway-1", template, readyMark: "weir gateway ready: ")
        }

        @Test func `F-G3: a gateway that is told twice to end cuts its streams, charges them, and ends at once`()
            async throws
        {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "hurried", user: "hal")
            try await stack.replaceGateway(1, ended: .terminate)
            let endless = CallRequest(isStream: true, simulate: "input=100;output=1000;chunks=1000;delay-ms=100")
            var calls: [OpenCall] = []
            for _ in 0..<4 { calls.append(try await stack.open(person, endless, gateway: 0)) }
            let template = try Replacements.Template(pid: stack.pid("gateway-1"))
            let gateway = try #require(stack.replacements.program("gateway-1"))
            gateway.send(signal: SIGTERM)
            try await eventually("it takes no more calls") {
                // Not by the client, which tries for ten seconds to connect.
                let port = try #require(stack.gateways[0].split(separator: ":").last.flatMap { Int($0) })
                do { try await RawConnection(port: port).close() } catch { return true }
                return false
            }
            #expect(gateway.isRunning, "it waits for its streams")
            // Alone it would wait for half a minute.
            try await eventually("it ends", within: .seconds(20)) {
                gateway.send(signal: SIGTERM)
                return !gateway.isRunning
            }
            #expect(await gateway.end() == 0, "\(gateway.log)")
            for call in calls { await #expect(throws: (any Error).self) { try await call.rest() } }
            let requests = Set(calls.map(\.request))
            try await eventually("all are in the ledger", within: .seconds(30)) {
                try await Set(stack.events(team: "hurried").map(\.request)).isSuperset(of: requests)
            }
            let events = try await stack.events(team: "hurried").filter { requests.contains($0.request) }
            #expect(events.map(\.outcome) == Array(repeating: "node_stopped", count: calls.count))
            #expect(events.allSatisfy { $0.tokens.input == 100 && $0.tokens.output > 0 && $0.costMicros > 0 })
            try FaultReport(
                "F-G3", invariant: "a second SIGTERM: calls are cut and charged, exit 0, E1",
                bound: "\(calls.count) events, before the 30 s of a drain", measured: "\(events.count) events, exit 0"
            ).report()
            try await stack.replacements.start("gateway-1", template, readyMark: "weir gateway ready: ")
        }

        @Test func `F-C1: a client that hangs up pays for what the provider made`() async throws {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "gone", user: "gus")
            let stream = CallRequest(isStream: true, simulate: "input=100;output=40;chunks=20;delay-ms=20")
            var requests: [String] = []
            for gateway in 0..<2 {
                let call = try await stack.open(person, stream, gateway: gateway)
                requests.append(call.request)
                try await call.hangUp(after: "content_block_delta")
            }
            try await eventually("in the ledger", within: .seconds(30)) {
                try await Set(stack.events(team: "gone").map(\.request)) == Set(requests)
            }
            let seen = try await stack.witnessed(requests)
            for event in try await stack.events(team: "gone") {
                let call = try #require(seen[event.request])
                #expect(event.outcome == "client_gone")
                #expect(event.tokens.input == 100 && event.tokens.output >= 1)
                #expect(event.tokens.output >= call.output_tokens, "\(event), seen as \(call)")
            }
            #expect(try await stack.budget("spend", "user:gone/gus").reserved == 0)
        }

        @Test
        func
            `F-R5: while Redis hangs calls are denied as degraded, memory is flat, and a settlement in flight stands afterwards`()
            async throws
        {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "stopped", user: "sue")
            #expect(try await stack.call(person, gateway: 0).status == 200)
            let stream = CallRequest(isStream: true, simulate: "input=100;output=40;chunks=4;delay-ms=100")
            let call = try await stack.open(person, stream, gateway: 0)
            let before = try await stack.gatewayMemoryKiB()
            try stack.send(SIGSTOP, to: "redis")
            var denied: [String] = []
            let count = FaultReport.rounds(100, full: 3_000)
            var latencies = Latencies()
            do {
                for gateway in 0..<2 {
                    let answer = try await stack.call(person, gateway: gateway)
                    #expect(answer.status == 503 && answer.denied?.reason == "degraded", "\(answer)")
                    denied.append(answer.request)
                }
                (denied, latencies) = try await stack.denials(count, of: person, after: denied)
                // The stream does not depend on Redis; its end comes while Redis hangs.
                #expect(try await call.rest().contains("message_stop"))
            } catch {
                try stack.send(SIGCONT, to: "redis")
                throw error
            }
            let growth = try await stack.gatewayMemoryKiB() - before
            try stack.send(SIGCONT, to: "redis")
            #expect(growth < 64 << 10, "two gateways grew by \(growth) KiB")
            #expect(try await stack.witnessed(denied).isEmpty)
            try await eventually("the stream in the ledger", within: .seconds(30)) {
                try await stack.events(team: "stopped").contains {
                    $0.request == call.request && $0.outcome == "completed"
                }
            }
            for gateway in 0..<2 {
                try await eventually("admitted again") { try await stack.call(person, gateway: gateway).status == 200 }
            }
            try await eventually("what was held for denied calls is given back", within: .seconds(30)) {
                try await stack.budget("spend", "user:stopped/sue").reserved == 0
            }
            try FaultReport(
                "F-R5",
                invariant: "Redis stopped, two gateways with a deadline of 500 ms: typed, memory flat, C1 M1 R1",
                bound: "\(count) of \(count) degraded, 65536 KiB",
                measured: "\(count) degraded, p99 \(latencies.percentile(99)), \(growth) KiB"
            ).report()
        }
    }
}

extension Stack {
    /// What the gateways hold, together.
    fileprivate func gatewayMemoryKiB() async throws -> Int {
        try (1...ready.gateways.count).reduce(0) { sum, number in
            sum + (ResidentMemory.kib(of: try pid("gateway-\(number)")) ?? 0)
        }
    }

    /// So many calls, all of which must be denied as degraded. Returns their ids behind `ids`, and how long they took.
    fileprivate func denials(
        _ count: Int, of person: Person, after ids: [String]
    ) async throws -> (ids: [String], latencies: Latencies) {
        try await withThrowingTaskGroup(of: (ids: [String], latencies: Latencies).self) { group in
            for worker in 0..<16 {
                group.addTask {
                    var (ids, latencies): ([String], Latencies) = ([], Latencies())
                    for _ in stride(from: worker, to: count, by: 16) {
                        let start = ContinuousClock.now
                        let answer = try await self.call(person, gateway: worker % 2)
                        latencies.append(start.duration(to: .now))
                        #expect(answer.status == 503 && answer.denied?.reason == "degraded", "\(answer)")
                        ids.append(answer.request)
                    }
                    return (ids, latencies)
                }
            }
            var all = (ids: ids, latencies: Latencies())
            for try await part in group {
                all.ids += part.ids
                all.latencies.append(contentsOf: part.latencies)
            }
            return all
        }
    }
}

/// Whether clients go on calling.
private final class Traffic: Sendable {
    private let state = Mutex(true)
    var goesOn: Bool { state.withLock { $0 } }
    func stop() { state.withLock { $0 = false } }
}
