import Testing
import WeirCore

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
            policyErrors(text) == [
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
        #expect(policyErrors(text) == [message])
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
        let found = policyErrors("products:\n  a: { class: ai }\nclasses: { ai: {} }\n\(text)")
        #expect(found == messages.map { "p.yaml:\($0)" })
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
        #expect(policyErrors("products:\n  a: { class: ai }\nclasses:\n  ai: {}\n\(setting)") == ["p.yaml:" + message])
    }

    @Test func `a variable's value is not replaced again, and names are never replaced`() {
        let text = "products:\n  a: { class: ai }\nclasses:\n  ai: {}\nunpriced_models: ${U}"
        #expect(policyErrors(text, environment: ["U": "${V}", "V": "deny"]).count == 1)
        #expect(policyErrors(text.replacing("  ai: {}", with: "  ${C:-ai}: {}"), environment: ["U": "deny"]).count >= 1)
    }
}
