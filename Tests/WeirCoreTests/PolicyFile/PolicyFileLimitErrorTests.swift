import Testing
import WeirCore

@Suite struct PolicyFileLimitErrorTests {
    @Test(arguments: [
        (
            "unit: requests, window: 60s, period: day, amount: 1",
            "64: limits[0].period: a limit has a window or a period, not both; leave one of them out"
        ),
        (
            "unit: requests, amount: 1",
            "5: limits[0]: has neither window nor period; give window: 60s, or period: day, week or month"
        ),
        (
            "unit: concurrency, window: 60s, amount: 1",
            "54: limits[0].window: calls at once have no span; leave window and period out"
        ),
        (
            "unit: requests, window: 60s, amount: 1, class: ai, classes: [ai]",
            "87: limits[0].classes: class and classes are both given; use classes alone"
        ),
        ("unit: requests, window: 60s, amount: 1, class: [ai]", "74: limits[0].class: is a list; name a class"),
        (
            "unit: requests, window: 60s, amount: 1, products: a",
            "77: limits[0].products: is the value 'a'; a list is written [a, b]"
        ),
        (
            "unit: requests, window: 60s, amount: 1, products: [a, a]",
            "81: limits[0].products[1]: a is named twice; name it once"
        ),
        (
            "unit: requests, window: 60s, amount: 1, product: c",
            "76: limits[0].product: there is no product 'c'; use one of a, alias, b"
        ),
        (
            "unit: requests, window: 60s, amount: 1, resource: credit",
            "77: limits[0].resource: there is no resource 'credit'; did you mean credits?"
        ),
        (
            "unit: requests, window: 60s, amount: 1, models: []",
            "75: limits[0].models: is an empty list; name at least one, or leave the field out"
        ),
        (
            "unit: requests, window: 60s, amount: 1, group_rule: min",
            "79: limits[0].group_rule: there are no groups; give groups: { name: amount }, or leave it out"
        ),
        (
            "unit: requests, window: 60s, amount: 1, groups: { 'a b': 1 }",
            "77: limits[0].groups.a b: 'a b' cannot be a group; use 1 to 128 of A-Z, a-z, 0-9, . _ @ : and -"
        ),
        (
            "unit: usd, period: day, amount: 1, downgrade_at: 0.8",
            "76: limits[0].downgrade_at: there is no ladder of models; give ladder: [dearest, …, cheapest]"
        ),
        (
            "unit: requests, window: 60s, amount: 1, clamp: true",
            "74: limits[0].clamp: a call always counts as one; use it with unit: tokens or usd"
        ),
        (
            "unit: concurrency, amount: 1, reserve: none",
            "66: limits[0].reserve: a call always counts as one; use it with unit: tokens or usd"
        ),
        (
            "unit: usd, period: day, amount: 1, reserve: half",
            "71: limits[0].reserve: 'half' is not known here; use one of full, expected, none"
        ),
        (
            "unit: usd, period: day, amount: 1, reserve: none, clamp: true",
            "84: limits[0].clamp: an answer is shortened to what is held, and reserve: none does not hold its bound; use reserve: full"
        ),
        (
            "unit: usd, period: day, amount: 1, enforce: shadow, clamp: true",
            "86: limits[0].clamp: a limit in shadow does not act on calls; use enforce: reserve"
        ),
        (
            "unit: requests, window: 60s, amount: 1, amount: 2",
            "56: 'amount' is given twice in one mapping; keep one of the two"
        ),
    ])
    func `a wrong limit is refused with what would be right`(limit: String, message: String) throws {
        let messages = policyLimitErrors(limit)
        try #require(messages.count == 1)
        #expect(messages == [message])
    }

    @Test(arguments: [
        (
            "per: user, resource: credits, period: month",
            "the ledger limits teams, through the limited set, not per: user; use per: team, or enforce: reserve"
        ),
        (
            "per: global, resource: credits, period: month",
            "the ledger limits teams, through the limited set, not per: global; use enforce: reserve, or cost_guard, which stops everybody by the ledger"
        ),
        ("per: team, period: month", "the ledger limits what draws on a resource; give resource: and its name"),
        (
            "per: team, resource: credits, window: 60s",
            "the ledger counts by calendar period; give period: day, week or month"
        ),
    ])
    func `the ledger enforces a team's budget of a resource and nothing else`(limit: String, message: String) {
        let text =
            small(limit: "unit: requests, window: 60s, amount: 1")
            + "\n  - { id: two, enforce: ledger, unit: usd, amount: 1, \(limit) }"
        #expect(policyErrors(text) == ["p.yaml:7:25: limits[1].enforce: \(message)"])
    }

    @Test(arguments: Limit.Per.allCases, Limit.Unit.allCases)
    func `everybody who can be limited can be limited in every unit, over windows and periods`(
        per: Limit.Per, unit: Limit.Unit
    ) {
        for span in unit == .concurrency ? [""] : ["window: 60s,", "period: day,", "period: week,", "period: month,"] {
            for enforce in ["reserve", "shadow"] {
                let limit = "unit: \(unit.rawValue), \(span) amount: 1, class: ai, enforce: \(enforce)"
                #expect(policyErrors(small(limit: limit).replacing("per: user", with: "per: \(per.rawValue)")) == [])
            }
        }
    }

    @Test func `an id is given to one limit only`() {
        let text =
            small(limit: "unit: requests, window: 60s, amount: 1")
            + "\n  - { id: one, per: user, unit: requests, window: 60s, amount: 1 }"
        #expect(
            policyErrors(text) == [
                "p.yaml:7:11: limits[1].id: one is already the id of limits[0]; give each limit its own id"
            ])
    }

    @Test func `a call meets at most sixteen limits`() {
        func text(_ count: Int, _ rest: String) -> String {
            var text = "products:\n  a: { class: ai }\n  b: { class: other }\nclasses: { ai: {}, other: {} }\nlimits:\n"
            for index in 0..<count {
                text += "  - { id: l\(index), per: user, unit: requests, window: 60s, amount: 1\(rest) }\n"
            }
            return text
        }
        #expect(policyErrors(text(16, "")).isEmpty)
        #expect(
            policyErrors(text(17, ", product: a")) == [
                "p.yaml:6:3: limits: 17 limits cover a call of product a; at most 16 may cover one call"
            ])
        // Limits of different models or products do not meet.
        let models = (0..<16).map {
            "  - { id: m\($0), per: user, unit: requests, window: 60s, amount: 1, model: m\($0) }\n"
        }
        #expect(policyErrors(text(15, "") + models.joined()).isEmpty)
        #expect(policyErrors(text(16, "") + models.joined()).count == 2)
        // Those of models that may serve the same call do.
        #expect(policyErrors(text(14, "") + models.joined() + "ladder: [m1, m2]").isEmpty == false)
        #expect(policyErrors(text(13, "") + models.joined() + "ladder: [m1, m2]").isEmpty)
    }
}
