import Testing
import WeirCore
import WeirLedger
import WeirRedis
import WeirTestSupport

@testable import WeirAggregator

@Suite struct EvaluatorTests {
    @Test func `a team at its credits is limited until the end of the month, one below is not`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply(credits: 1_000)
            try await deployment.produce(
                event("1", team: "at", cost: 600), event("2", team: "at", cost: 400),
                event("3", team: "below", cost: 999),
                // Not billable, so it draws on nothing.
                event("4", team: "lookups", product: "search", cost: 5_000),
                // Last month.
                event("5", team: "before", cost: 5_000, atMs: noonMs - 22 * UTCDay.lengthMs))
            let aggregator = deployment.aggregator()
            _ = try await aggregator.ingest()
            for _ in 0..<2 {
                try await aggregator.lead()
                #expect(try await deployment.score("at") == "\(monthEndS)")
                #expect(
                    try await deployment.send("ZCARD", .string(RedisKeys.limitedSet(resource: "ai_credits")))
                        == .integer(1))
            }
        }
    }

    @Test func `amount 0 is unlimited; a team's override goes before policy, even by hand`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply(credits: 0)
            try await deployment.produce(event("1", team: "a", cost: 5_000), event("2", team: "b", cost: 5_000))
            let aggregator = deployment.aggregator()
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            #expect(try await deployment.score("a") == nil)
            try await deployment.ledger.setOverride(
                Override(limit: "ai_credits", subject: "team:a", amount: 5_000), audit: testAudit)
            try await aggregator.lead()
            #expect(try await deployment.score("a") == "\(monthEndS)")
            #expect(try await deployment.score("b") == nil)
            try await deployment.send("SET", "weir:override:ai_credits:team:b", "1")
            try await deployment.send("SET", "weir:override:ai_credits:team:a", "5001")
            try await aggregator.lead()
            #expect(try await deployment.score("a") == nil)
            #expect(try await deployment.score("b") == "\(monthEndS)")
        }
    }

    @Test func `when the period ends the aggregator takes back what it set, and nothing else`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply(credits: 10)
            let clock = MovableClock(noonMs)
            let aggregator = deployment.aggregator(clock: clock)
            let set = RedisArgument.string(RedisKeys.limitedSet(resource: "ai_credits"))
            try await deployment.send("ZADD", set, "inf", "by-hand", "5", "long-ago")
            try await deployment.produce(event("1", cost: 10))
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            #expect(try await deployment.score("acme") == "\(monthEndS)")
            clock.set(monthEndS * 1000 - 1)
            try await aggregator.lead()
            #expect(try await deployment.score("acme") != nil)
            clock.set(monthEndS * 1000)
            try await aggregator.lead()
            #expect(try await deployment.score("acme") == nil)
            #expect(try await deployment.score("by-hand") == "inf")
            #expect(try await deployment.score("long-ago") == "5")
            #expect(try await deployment.send("EXISTS", .string(AggregatorKeys.ownLimits)) == .integer(0))
        }
    }

    @Test func `a raised amount lets a team in again at once`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply(credits: 10)
            let aggregator = deployment.aggregator()
            try await deployment.produce(event("1", cost: 10))
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            #expect(try await deployment.score("acme") != nil)
            try await deployment.apply(credits: 11)
            try await aggregator.lead()
            #expect(try await deployment.score("acme") == nil)
            try await deployment.produce(event("2", cost: 1))
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            #expect(try await deployment.score("acme") != nil)
        }
    }

    @Test func `what an operator removes by hand stays removed until the period or the amount changes`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply(credits: 10)
            let clock = MovableClock(noonMs)
            let aggregator = deployment.aggregator(clock: clock)
            let set = RedisArgument.string(RedisKeys.limitedSet(resource: "ai_credits"))
            try await deployment.produce(event("1", cost: 30))
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            try await deployment.send("ZREM", set, "acme")
            try await aggregator.lead()
            #expect(try await deployment.score("acme") == nil)
            try await deployment.apply(credits: 20)
            try await aggregator.lead()
            #expect(try await deployment.score("acme") == "\(monthEndS)")
            // A longer entry by hand stays when the aggregator's own would have ended.
            try await deployment.send("ZADD", set, .int(monthEndS + 99), "acme")
            try await aggregator.lead()
            clock.set(monthEndS * 1000)
            try await aggregator.lead()
            #expect(try await deployment.score("acme") == "\(monthEndS + 99)")
        }
    }

    @Test func `a shorter entry made by hand comes back when the aggregator's ends`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply(credits: 10)
            let aggregator = deployment.aggregator()
            let set = RedisArgument.string(RedisKeys.limitedSet(resource: "ai_credits"))
            try await deployment.send("ZADD", set, .int(dayEndS), "acme")
            try await deployment.produce(event("1", cost: 10))
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            #expect(try await deployment.score("acme") == "\(monthEndS)")
            try await deployment.apply(credits: 1_000)
            try await aggregator.lead()
            #expect(try await deployment.score("acme") == "\(dayEndS)")
        }
    }

    @Test func `when Redis has lost everything all is set again`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply(credits: 10, kill: 10)
            let aggregator = deployment.aggregator()
            try await deployment.produce(event("1", cost: 10))
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            try await deployment.send("FLUSHALL")
            try await eventually("leading again") { try await aggregator.lead() }
            #expect(try await deployment.score("acme") == "\(monthEndS)")
            #expect(try await deployment.killSwitch?.on == true)
            #expect(try await deployment.send("EXISTS", .string(RedisKeys.policy)) == .integer(1))
        }
    }

    @Test func `while the ledger cannot be read nothing is changed`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply(credits: 10)
            let ledger = FaultyLedger(deployment.ledger)
            let clock = MovableClock(noonMs)
            let aggregator = deployment.aggregator(ledger: ledger, clock: clock)
            try await deployment.produce(event("1", cost: 10))
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            ledger.fail(.reads(.corrupt("damaged")))
            clock.set(monthEndS * 1000)
            await #expect(throws: AggregatorError.ledger(.corrupt("damaged"))) { try await aggregator.lead() }
            #expect(try await deployment.score("acme") == "\(monthEndS)")
        }
    }

    // MARK: The cost guard

    @Test func `spending of a day throws the switch at its threshold, until the day's end`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply(warn: 500, kill: 1_000)
            let clock = MovableClock(noonMs)
            let aggregator = deployment.aggregator(clock: clock)
            try await deployment.produce(event("1", team: "a", cost: 999))
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            #expect(try await deployment.killSwitch == nil)
            #expect(try await deployment.send("GET", "weir:cost-guard:warn:2026-11-21").words == "500")
            try await deployment.produce(event("2", team: "b", cost: 1))
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            let thrown = try #require(try await deployment.killSwitch)
            #expect(
                thrown.on && thrown.actor == "aggregator" && thrown.until == dayEndS && thrown.since == noonMs / 1000)
            #expect(thrown.reason.contains("0.001") && thrown.reason.contains("2026-11-21"))
            #expect(try await deployment.ledger.audit(limit: 1).first?.action == "kill-switch.on")
            try await aggregator.lead()
            #expect(try await deployment.ledger.audit(limit: 9).filter { $0.action == "kill-switch.on" }.count == 1)
            // The next day has spent nothing.
            clock.set(dayEndS * 1000)
            try await aggregator.lead()
            #expect(try await deployment.killSwitch?.isThrown(nowMs: dayEndS * 1000) == false)
        }
    }

    @Test func `an operator's off holds for the period, unless the threshold is raised and passed again`() async throws
    {
        try await TestDeployment.run { deployment in
            try await deployment.apply(kill: 1_000)
            let clock = MovableClock(noonMs)
            let aggregator = deployment.aggregator(clock: clock)
            try await deployment.produce(event("1", cost: 1_000))
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            #expect(try await deployment.killSwitch?.on == true)
            for off in ["off", ""] {
                if off.isEmpty {
                    try await deployment.send("HDEL", .string(RedisKeys.killSwitch), "global")
                } else {
                    try await deployment.send("HSET", .string(RedisKeys.killSwitch), "global", .string(off))
                }
                try await deployment.produce(event("2\(off)", cost: 100))
                _ = try await aggregator.ingest()
                try await aggregator.lead()
                #expect(try await deployment.killSwitch?.on != true)
            }
            try await deployment.apply(kill: 1_300)
            try await aggregator.lead()
            #expect(try await deployment.killSwitch?.on != true)
            try await deployment.produce(event("3", cost: 100))
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            #expect(try await deployment.killSwitch?.on == true)
            try await deployment.send("HDEL", .string(RedisKeys.killSwitch), "global")
            // Another day, another switch.
            clock.set(dayEndS * 1000)
            try await deployment.produce(event("4", cost: 1_300, atMs: dayEndS * 1000))
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            #expect(try await deployment.killSwitch?.until == dayEndS + 86_400)
        }
    }

    @Test func `a switch that an operator has thrown stays his`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply(kill: 10)
            let aggregator = deployment.aggregator()
            let manual = KillSwitch.Entry(on: true, reason: "drill", actor: "eve", since: 1)
            try await deployment.send("HSET", .string(RedisKeys.killSwitch), "global", .string(manual.value))
            try await deployment.produce(event("1", cost: 10))
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            #expect(try await deployment.killSwitch == manual)
        }
    }
}
