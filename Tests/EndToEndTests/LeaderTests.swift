import Foundation
import GRDB
import Glibc
import Testing
import WeirTestSupport

extension EndToEnd.Faults {
    /// Aggregators die and stand still as processes.
    @Suite struct LeaderTests {
        @Test func `F-A1: an aggregator killed between commit and acknowledgement writes each event once`() async throws
        {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "committed", user: "cora")
            let rounds = FaultReport.rounds(4, full: 40)
            let template = try Replacements.Template(pid: stack.pid("aggregator"))
            var doomed = template
            doomed.environment["WEIR_CRASH_AT"] = "after-commit"
            // Else it would die of what is still on its way of another test's calls.
            try await eventually("nothing is on its way", within: .seconds(60)) { try await stack.isQuiet() }
            try await stack.end("aggregator", .kill)
            var made: [MadeCall] = []
            var unacknowledged = 0
            for round in 0..<rounds {
                // It is given the last one's event again, which is not new to the ledger, and lives on until the next.
                try await stack.replacements.start("aggregator", doomed, readyMark: "weir aggregator ready: ")
                let pid = try stack.pid("aggregator")
                let answer = try await stack.call(person)
                made.append(MadeCall(person: person, request: answer.request))
                try await eventually("it has committed and is gone", within: .seconds(30)) { isGone(pid) }
                #expect(try await stack.events(team: "committed").count == round + 1)
                unacknowledged += try await stack.unacknowledged()
            }
            #expect(unacknowledged == rounds, "each time one event was committed and not acknowledged")
            try await stack.replacements.start("aggregator", template, readyMark: "weir aggregator ready: ")
            try await stack.expectAccountsToMatchWitness(made)
            try await eventually("all is acknowledged") { try await stack.unacknowledged() == 0 }
            try FaultReport(
                "F-A1", invariant: "kill -9 between commit and acknowledgement: an event is written once, E2",
                bound: "\(made.count) events", measured: "\(try await stack.events(team: "committed").count) events"
            ).report()
        }

        @Test func `F-A4: a leader stopped beyond its lease is succeeded, and changes nothing when it goes on`()
            async throws
        {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "paused", user: "pia")
            // Its own process, whose log can be read.
            var template = try Replacements.Template(pid: stack.pid("aggregator"))
            template.environment["WEIR_LOG_LEVEL"] = "notice"
            try await stack.end("aggregator", .kill)
            try await stack.replacements.start("aggregator", template, readyMark: "weir aggregator ready: ")
            let first = try #require(stack.replacements.program("aggregator"))
            let name = try #require(template.arguments.firstIndex(of: "--name"))
            template.arguments[name + 1] = "second"
            // Not the killed one, whose name and lease are the same.
            try await eventually("the first leads", within: .seconds(30)) {
                first.log.contains(#""message":"leading""#)
            }
            try await stack.replacements.start("aggregator-2", template, readyMark: "weir aggregator ready: ")
            let second = try #require(stack.replacements.urls("aggregator-2")?.first)

            try stack.send(SIGSTOP, to: "aggregator")
            let stopped = ContinuousClock.now
            var takeover = Duration.zero
            var made: [MadeCall] = []
            let before: Standing
            do {
                try await eventually("another one leads", within: .seconds(10)) {
                    try await stack.leader() == "second"
                }
                takeover = stopped.duration(to: .now)
                // The world goes on: money, limits and switch are others than those that the first one knows.
                for _ in 0..<20 { made.append(MadeCall(person: person, request: try await stack.call(person).request)) }
                for command in [
                    ["limits", "set", "user:paused/pia", "spend", "75usd", "--reason", "meanwhile"],
                    ["keys", "revoke", person.keyID],
                    ["limited", "add", "paused", "--resource", "ai_credits", "--for", "1h", "--reason", "meanwhile"],
                ] {
                    let done = try await Program.run(
                        Program.weir, command,
                        environment: ["WEIR_ADMIN_URL": second, "WEIR_ADMIN_TOKEN": stack.ready.admin_token])
                    try #require(done.status == 0, "\(command): \(done.errors)")
                }
                try await stack.expectAccountsToMatchWitness(made)
                before = try await stack.settledStanding()
            } catch {
                try stack.send(SIGCONT, to: "aggregator")
                throw error
            }
            try stack.send(SIGCONT, to: "aggregator")
            try await eventually("the first one has noticed", within: .seconds(30)) {
                first.log.contains("no longer the leader")
            }
            // It takes part again in what all do.
            try await eventually("it is at work", within: .seconds(30)) {
                try await Stack.get(stack.aggregator + "/readyz").0 == 200
            }
            let after = try await stack.settledStanding()
            #expect(after == before)
            let status = try await stack.weir("status")
            #expect(status.output.contains("second"), "\(status.output)")
            try await stack.end("aggregator-2", .terminate)
            try await eventually("the first leads again", within: .seconds(10)) { try await stack.leader() == "dev" }
            try FaultReport(
                "F-A4", invariant: "a leader's process stopped and continued: another leads, the first changes nothing",
                bound: "10 seconds, 0 keys and 0 lines of the audit changed",
                measured: "\(takeover), \(before.changed(to: after)) of \(before.keys.count) keys and lines changed"
            ).report()
        }
    }
}

/// What Redis and the audit say, but for what every aggregator writes that ingests, and what gateways say of themselves.
private struct Standing: Equatable {
    /// Digests of values, by key.
    var keys: [String: String]
    var auditLines: Int

    func changed(to other: Standing) -> Int {
        Set(keys.keys).union(other.keys.keys).filter { keys[$0] != other.keys[$0] }.count + other.auditLines
            - auditLines
    }
}

extension Stack {
    /// The name of the aggregator that leads.
    fileprivate func leader() async throws -> String {
        try await redisCLI("GET", "weir:leader").split(separator: " ").first.map(String.init) ?? ""
    }

    /// Entries of all streams that were delivered and not acknowledged.
    fileprivate func unacknowledged() async throws -> Int {
        var count = 0
        for stream in try await keys("weir:{*}:usage") {
            count += Int(try await redisCLI("XPENDING", stream, "ledger").split(separator: "\n").first ?? "0") ?? 0
        }
        return count
    }

    /// Whether no call lives, no event is in a stream, and no gateway keeps any.
    fileprivate func isQuiet() async throws -> Bool {
        for stream in try await keys("weir:{*}:usage") where try await redisCLI("XLEN", stream) != "0" { return false }
        for hash in try await keys("weir:{*}:reservations") {
            let fields = try await redisCLI("HGETALL", hash).split(separator: "\n", omittingEmptySubsequences: false)
            for (name, value) in zip(fields, fields.dropFirst()) where name.count == 26 && !name.contains(":") {
                if value.first?.isNumber == true { return false }
            }
        }
        return try await outboxRows() == 0
    }

    /// Once what was changed last has been published: when it stays the same for a while.
    fileprivate func settledStanding() async throws -> Standing {
        var last = try await standing()
        var since = ContinuousClock.now
        try await eventually("nothing changes any more", within: .seconds(60)) {
            let now = try await standing()
            if now != last { (last, since) = (now, .now) }
            return since.duration(to: .now) > .seconds(2)
        }
        return last
    }

    private func standing() async throws -> Standing {
        let script = """
            local all = {}
            for _, key in ipairs(redis.call('KEYS', 'weir:*')) do
                if not (string.find(key, ':usage$') or string.find(key, ':committed$') or string.find(key, '^weir:nodes:')) then
                    all[#all + 1] = key .. ' ' .. redis.sha1hex(redis.call('DUMP', key))
                end
            end
            return all
            """
        var keys: [String: String] = [:]
        for line in try await redisCLI("EVAL", script, "0").split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2 { keys[String(words[0])] = String(words[1]) }
        }
        let lines = try await ledger { try Int.fetchOne($0, sql: "SELECT count(*) FROM audit") ?? 0 }
        return Standing(keys: keys, auditLines: lines)
    }
}
