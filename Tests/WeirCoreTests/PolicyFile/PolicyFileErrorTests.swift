import Testing
import WeirCore

/// What is wrong with a text, one line each.
private func errors(_ text: String, environment: [String: String] = [:]) -> [String] {
    do {
        _ = try PolicyFile.read(text: text, name: "p.yaml", environment: environment)
        return []
    } catch {
        return error.errors.map(\.description)
    }
}

/// What is wrong with a file's only limit, which stands in line 6.
private func limitErrors(_ limit: String) -> [String] {
    errors(small(limit: limit)).map { String($0.dropFirst("p.yaml:6:".count)) }
}

@Suite struct PolicyFileErrorTests {
    @Test func `all errors are reported together, in the order of the file`() {
        let text = """
            products:
              default: { clas: ai, billable: yes }
              search: { class: lokup }
            classes:
              ai: { kill_switch: true }
              lookup: {}
            limits:
              - { id: Bad Id, per: usr, unit: request, window: 61, amount: 5 }
              - { id: spend, per: user, class: ay, unit: usd, period: mouth, amount: 0.1234567 }
            lader: [a]
            unpriced_models: alow
            """
        #expect(
            errors(text) == [
                "p.yaml:2:12: products.default.class: is missing; a product needs class",
                "p.yaml:2:14: products.default.clas: is not a field of a product; did you mean class?",
                "p.yaml:2:34: products.default.billable: 'yes' is not known here; use one of true, false",
                "p.yaml:3:20: products.search.class: there is no class 'lokup'; did you mean lookup?",
                "p.yaml:8:11: limits[0].id: 'Bad Id' cannot be a limit's id; use 1 to 64 of a-z, 0-9, _ and -",
                "p.yaml:8:24: limits[0].per: 'usr' is not known here; did you mean user? use one of user, team, group, key, ip, product, global",
                "p.yaml:8:35: limits[0].unit: 'request' is not known here; did you mean requests? use one of requests, tokens, usd, concurrency",
                "p.yaml:9:36: limits[1].class: there is no class 'ay'; did you mean ai?",
                "p.yaml:9:59: limits[1].period: 'mouth' is not known here; did you mean month? use one of day, week, month",
                "p.yaml:9:74: limits[1].amount: '0.1234567' is not an amount of dollars; use dollars such as 20.00, with at most six decimals",
                "p.yaml:10:1: lader: is not a field of a policy; did you mean ladder?",
                "p.yaml:11:18: unpriced_models: 'alow' is not known here; use one of deny, dearest, flag",
            ])
    }

    @Test(arguments: [
        ("", "p.yaml:1:1: the file is empty; a policy needs products and classes"),
        (
            "a: [",
            "p.yaml:2:1: this is not YAML: did not find expected node content (while parsing a flow node); mend the line"
        ),
        (
            "a: 'x",
            "p.yaml:1:6: this is not YAML: found unexpected end of stream (while scanning a quoted scalar); mend the line"
        ),
        ("[a]", "p.yaml:1:1: is a list; a policy is a mapping: { name: value }"),
        ("text", "p.yaml:1:1: is the value 'text'; a policy is a mapping: { name: value }"),
        (
            "ladder: [${M}]",
            "p.yaml:1:11: this is not YAML: did not find expected ',' or ']' (while parsing a flow sequence); put \"${…}\" in double quotes"
        ),
        ("ladder: [a]\nladder: [b]", "p.yaml:1:1: 'ladder' is given twice in one mapping; keep one of the two"),
        (
            "a: &x 1\nb: *x",
            "p.yaml:1:4: anchors (&name) and aliases (*name) are not read here; write the value out, or put it in quotes if it begins with & or *"
        ),
        (
            "a: 1\n--- \nb: 1",
            "p.yaml:2:1: this is not YAML: but found another document (expected a single document in the stream); mend the line"
        ),
        ("a: \u{1}", "p.yaml:1:4: this is not YAML: control characters are not allowed; write the file in plain UTF-8"),
    ])
    func `a text that is no policy at all is refused with its place`(text: String, message: String) {
        #expect(errors(text) == [message])
    }

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
        let messages = limitErrors(limit)
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
        #expect(errors(text) == ["p.yaml:7:25: limits[1].enforce: \(message)"])
    }

    @Test(arguments: Limit.Per.allCases, Limit.Unit.allCases)
    func `everybody who can be limited can be limited in every unit, over windows and periods`(
        per: Limit.Per, unit: Limit.Unit
    ) {
        for span in unit == .concurrency ? [""] : ["window: 60s,", "period: day,", "period: week,", "period: month,"] {
            for enforce in ["reserve", "shadow"] {
                let limit = "unit: \(unit.rawValue), \(span) amount: 1, class: ai, enforce: \(enforce)"
                #expect(errors(small(limit: limit).replacing("per: user", with: "per: \(per.rawValue)")) == [])
            }
        }
    }

    @Test func `a billable product serves nobody without a key`() {
        let text = """
            products:
              default: { class: ai, billable: true, anonymous: true }
            classes: { ai: {} }
            """
        #expect(
            errors(text) == [
                "p.yaml:2:52: products.default.anonymous: a billable call without a team is denied, never free; set billable: false, or leave anonymous out"
            ])
    }

    @Test(arguments: [
        ("ladder: []", ["4:9: ladder: is an empty list; name at least one model, or leave ladder out"]),
        ("ladder: [a, a]", ["4:13: ladder[1]: a is named twice; name it once"]),
        (
            "ladder: [{ model: a, tier: A B }]",
            ["4:28: ladder[0].tier: 'A B' cannot be a tier; use 1 to 64 of a-z, 0-9, _ and -"]
        ),
        ("ladder: [{ tier: a }]", ["4:10: ladder[0].model: is missing; a rung needs model"]),
        ("downgrade: always", ["4:12: downgrade: there is no ladder of models; give ladder: [dearest, …, cheapest]"]),
        (
            "ladder: [a]\ndowngrade: never",
            ["5:12: downgrade: 'never' is not known here; use one of aliases, always"]
        ),
    ])
    func `a wrong ladder is refused with what would be right`(text: String, messages: [String]) {
        let found = errors("products:\n  a: { class: ai }\nclasses: { ai: {} }\n\(text)")
        #expect(found == messages.map { "p.yaml:\($0)" })
    }

    @Test func `an id is given to one limit only`() {
        let text =
            small(limit: "unit: requests, window: 60s, amount: 1")
            + "\n  - { id: one, per: user, unit: requests, window: 60s, amount: 1 }"
        #expect(
            errors(text) == [
                "p.yaml:7:11: limits[1].id: one is already the id of limits[0]; give each limit its own id"
            ])
    }

    @Test(arguments: [
        ("b: { class: ai, aliases: [a] }", ["the alias a already means a; choose another alias"]),
        ("b: { class: ai, aliases: [x, x] }", ["the alias x already means b; choose another alias"]),
        ("v1: { class: ai }", ["v1 is a path of the gateway; choose another name"]),
        (
            "b: { class: ai, resource: credits }",
            ["only billable calls draw on a resource; set billable: true, or leave resource out"]
        ),
        (
            "b: { class: ai, models: [m], rewrite: { x: y } }",
            ["y is not among the product's models; add it to models"]
        ),
        (
            "b: { class: ai, rewrite: { x: y, y: z } }",
            ["y is rewritten itself; name the model that serves in the end"]
        ),
        ("b: { class: ai, models: [] }", ["is an empty list; name at least one, or leave the field out"]),
        ("b: { class: ai, outage: { open_for: 2d } }", ["is longer than a day; use at most 1d"]),
        ("B: { class: ai }", ["'B' cannot be the name of a product; use 1 to 64 of a-z, 0-9, _ and -"]),
    ])
    func `product names and aliases are unambiguous`(product: String, messages: [String]) {
        let text = "products:\n  a: { class: ai }\n  \(product)\nclasses: { ai: {} }"
        let found = errors(text)
        #expect(found.count == messages.count)
        for (error, message) in zip(found, messages) { #expect(error.hasSuffix(": \(message)")) }
    }

    @Test(arguments: [
        (
            "cost_guard: { warn: 5, kill: 4 }",
            "5:21: cost_guard.warn: warn (5.00) is above kill (4.00); a warning comes before the switch"
        ),
        (
            "cost_guard: { period: day }",
            "5:13: cost_guard: has neither warn nor kill; give one of them or both, or leave cost_guard out"
        ),
        (
            "cost_guard: { kill: 0 }",
            "5:21: cost_guard.kill: 0.00 is reached before the first call; give an amount above 0, or leave kill out"
        ),
        ("outage: { open_for: 2d }", "5:21: outage.open_for: is longer than a day; use at most 1d"),
        (
            "outage: { open_for: 60s }",
            "5:9: outage: allows nothing without an allowance; say how much a node may spend: allowance: 0.50"
        ),
        (
            "outage: { allowance: 0.50 }",
            "5:9: outage: allows nothing without open_for; say for how long a node may go on: open_for: 60s"
        ),
        (
            "alerts: { at: [0.5, 2] }",
            "5:21: alerts.at[1]: '2' is not a share; use a share above 0 and up to 1, with at most four decimals, such as 0.8"
        ),
        (
            "alerts: { webhook: ftp://x }",
            "5:20: alerts.webhook: is not an address; use an address that begins with https:// or http://, or \"\" for none"
        ),
        ("ladder: [a, a]", "5:13: ladder[1]: a is named twice; name it once"),
        (
            "unpriced_models: ${U}",
            "5:18: unpriced_models: the environment variable U is not set; set U, or give a default: ${U:-value}"
        ),
        (
            "unpriced_models: \"${U\"",
            "5:18: unpriced_models: '${U' is not a variable; write ${NAME} or ${NAME:-default}"
        ),
        (
            "unpriced_models: \"${U V}\"",
            "5:18: unpriced_models: '${U V}' is not a variable; write ${NAME} or ${NAME:-default}"
        ),
    ])
    func `a wrong setting is refused with what would be right`(setting: String, message: String) {
        #expect(errors("products:\n  a: { class: ai }\nclasses:\n  ai: {}\n\(setting)") == ["p.yaml:" + message])
    }

    @Test func `a variable's value is not replaced again, and names are never replaced`() {
        let text = "products:\n  a: { class: ai }\nclasses:\n  ai: {}\nunpriced_models: ${U}"
        #expect(errors(text, environment: ["U": "${V}", "V": "deny"]).count == 1)
        #expect(errors(text.replacing("  ai: {}", with: "  ${C:-ai}: {}"), environment: ["U": "deny"]).count >= 1)
    }

    @Test func `a call meets at most sixteen limits`() {
        func text(_ count: Int, _ rest: String) -> String {
            var text = "products:\n  a: { class: ai }\n  b: { class: other }\nclasses: { ai: {}, other: {} }\nlimits:\n"
            for index in 0..<count {
                text += "  - { id: l\(index), per: user, unit: requests, window: 60s, amount: 1\(rest) }\n"
            }
            return text
        }
        #expect(errors(text(16, "")).isEmpty)
        #expect(
            errors(text(17, ", product: a")) == [
                "p.yaml:6:3: limits: 17 limits cover a call of product a; at most 16 may cover one call"
            ])
        // Limits of different models or products do not meet.
        let models = (0..<16).map {
            "  - { id: m\($0), per: user, unit: requests, window: 60s, amount: 1, model: m\($0) }\n"
        }
        #expect(errors(text(15, "") + models.joined()).isEmpty)
        #expect(errors(text(16, "") + models.joined()).count == 2)
        // Those of models that may serve the same call do.
        #expect(errors(text(14, "") + models.joined() + "ladder: [m1, m2]").isEmpty == false)
        #expect(errors(text(13, "") + models.joined() + "ladder: [m1, m2]").isEmpty)
    }

    @Test(arguments: [
        ("models.internal", "upstream: 'models.internal' is not the address of an API"),
        ("ftp://x", "upstream: 'ftp://x' is not the address of an API"),
        ("https://user@x", "upstream: 'https://user@x' is not the address of an API"),
        ("[https://x]", "upstream: is a list"), ("{ key_env: WEIR_UPSTREAM_X }", "upstream.url: is missing"),
        ("{ url: https://x, key: secret }", "upstream.key: is not a field of an upstream"),
        // Any other variable may hold another secret of the gateway's.
        ("{ url: https://x, key_env: WEIR_OPENAI_KEY }", "'WEIR_OPENAI_KEY' is not a variable for an upstream's key"),
        ("{ url: https://x, key_env: WEIR_UPSTREAM_ }", "'WEIR_UPSTREAM_' is not a variable"),
        ("{ url: https://x, key_env: WEIR_UPSTREAM_X_FILE }", "'WEIR_UPSTREAM_X_FILE' is not a variable"),
        ("{ url: https://x, key_env: weir_upstream_x }", "'weir_upstream_x' is not a variable"),
    ])
    func `an upstream is an address, and its key a variable made for it`(upstream: String, error: String) {
        let text = "products: { a: { class: ai, upstream: \(upstream) } }\nclasses: { ai: {} }"
        #expect(errors(text).count == 1)
        #expect(errors(text).first?.contains(error) == true, "\(errors(text))")
    }
}
