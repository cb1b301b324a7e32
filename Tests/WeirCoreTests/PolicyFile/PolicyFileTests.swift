import Foundation
import Testing
import WeirCore

/// The file that ships with Weir.
let shippedPolicy: String = {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    return (try? String(contentsOf: root.appending(path: "deploy/policy.yaml"), encoding: .utf8)) ?? ""
}()

@Suite struct PolicyFileTests {
    @Test func `the shipped policy means what its comments say`() throws {
        let policy = try PolicyFile.read(text: shippedPolicy, name: "deploy/policy.yaml")
        #expect(policy.version == 0)
        #expect(
            policy.products["slack_app"]
                == .init(callClass: "ai", billable: true, resource: "ai_credits", aliases: ["slack-bot"]))
        #expect(policy.products["search"] == .init(callClass: "lookup", billable: false))
        #expect(policy.classes.filter { !$0.value.killSwitch }.keys.sorted() == ["lookup"])
        #expect(policy.classes.count == 4)
        let spending = Limit.Match(classes: ["ai", "plans", "analyze"])
        #expect(
            policy.limits == [
                Limit(
                    id: "ai-calls", per: .user, unit: .requests, span: .window(ms: 60_000),
                    match: .init(classes: ["ai"]), amount: 5),
                Limit(
                    id: "plans", per: .user, unit: .requests, span: .window(ms: 60_000),
                    match: .init(classes: ["plans"]), amount: 3),
                Limit(
                    id: "analyses", per: .user, unit: .requests, span: .window(ms: 60_000),
                    match: .init(classes: ["analyze"]), amount: 10),
                Limit(
                    id: "lookups", per: .user, unit: .requests, span: .window(ms: 60_000),
                    match: .init(classes: ["lookup"]), amount: 20),
                Limit(
                    id: "day-tokens", per: .user, unit: .tokens, span: .period(.day), match: spending,
                    amount: 200_000, downgradeAt: 8000),
                Limit(
                    id: "spend", per: .user, unit: .usd, span: .period(.month), match: spending,
                    amount: 50_000_000, groupAmounts: ["contractors": 20_000_000]),
                Limit(
                    id: "ai_credits", per: .team, unit: .usd, span: .period(.month),
                    match: .init(resource: "ai_credits"), amount: 500_000_000, enforce: .ledger),
            ])
        #expect(policy.ladder == ["claude-opus-4", "claude-sonnet-4", "claude-haiku-4"])
        #expect(
            policy.costGuard
                == .init(warn: MicroUSD(micros: 5_000_000), kill: MicroUSD(micros: 20_000_000), period: .day))
        #expect(policy.unpricedModels == .deny)
        #expect(policy.outage == .init(openForMs: 60_000, allowance: MicroUSD(micros: 500_000)))
        #expect(policy.alerts == .init(at: [5000, 8000, 10_000], webhook: nil))
    }

    @Test func `the environment of the reader replaces the defaults`() throws {
        let environment = [
            "RATE_LIMIT_AI": "7", "RATE_LIMIT_ANALYZE": "8", "RATE_LIMIT_PLANS": "9", "RATE_LIMIT_LOOKUP": "",
            "COST_KILL_THRESHOLD": "99.5", "COST_WARN_THRESHOLD": "50",
            "ALERT_WEBHOOK": "https://hooks.example/a?b=c",
        ]
        let policy = try PolicyFile.read(text: shippedPolicy, name: "p", environment: environment)
        #expect(policy.limits.prefix(4).map(\.amount) == [7, 9, 8, 20])
        #expect(policy.costGuard?.kill == MicroUSD(micros: 99_500_000))
        #expect(policy.costGuard?.warn == MicroUSD(micros: 50_000_000))
        #expect(policy.alerts.webhook == "https://hooks.example/a?b=c")
    }

    @Test func `the form of alerts is the policy's to say, and outlives older policies`() throws {
        let text = shippedPolicy.replacingOccurrences(of: "alerts: {", with: "alerts: { form: slack,")
        let policy = try PolicyFile.read(text: text, name: "p", environment: [:])
        #expect(policy.alerts.form == .slack)
        let alerts = try JSONDecoder().decode(Policy.Alerts.self, from: Data(#"{"at":[5000]}"#.utf8))
        #expect(alerts == .init(at: [5000]))
        #expect(throws: PolicyErrors.self) {
            try PolicyFile.read(
                text: shippedPolicy.replacingOccurrences(of: "alerts: {", with: "alerts: { form: teams,"), name: "p",
                environment: [:])
        }
    }

    @Test func `KILL_SWITCH_ENABLED takes the switch from the cost guard, not its warning`() throws {
        func guarded(_ value: String) throws -> Policy.CostGuard? {
            try PolicyFile.read(text: shippedPolicy, name: "p", environment: ["KILL_SWITCH_ENABLED": value]).costGuard
        }
        #expect(try guarded("true")?.kill == MicroUSD(micros: 20_000_000))
        #expect(try guarded("")?.kill == MicroUSD(micros: 20_000_000))
        let warning = try guarded("false")
        #expect(warning?.kill == nil && warning?.warn == MicroUSD(micros: 5_000_000))
        #expect(throws: PolicyErrors.self) { try guarded("off") }
    }

    @Test func `an anonymous product is read, and a published policy from before there were any, too`() throws {
        let text = """
            products: { search: { class: lookup, anonymous: true }, other: { class: lookup } }
            classes: { lookup: {} }
            """
        let policy = try PolicyFile.read(text: text, name: "p")
        #expect(policy.products["search"]?.anonymous == true)
        #expect(policy.products["other"]?.anonymous == false)
        #expect(try JSONDecoder().decode(Policy.self, from: JSONEncoder().encode(policy)) == policy)
        let old = #"{"class":"lookup","billable":false,"aliases":[]}"#
        #expect(try JSONDecoder().decode(Policy.Product.self, from: Data(old.utf8)) == policy.products["other"])
    }

    @Test func `a resolved file means the same without the environment`() throws {
        let environment = ["RATE_LIMIT_AI": "7", "ALERT_WEBHOOK": "https://hooks.example/a?b=c#d"]
        let resolved = try PolicyFile.resolved(text: shippedPolicy, name: "p", environment: environment)
        #expect(
            try PolicyFile.read(text: resolved, name: "p")
                == PolicyFile.read(text: shippedPolicy, name: "p", environment: environment))
        #expect(resolved.contains("amount: \"7\""))
        #expect(!resolved.contains("${RATE_LIMIT_LOOKUP"))
    }

    @Test(arguments: [
        // Each would change the meaning of the file, or end it.
        "https://x.example/\"", "https://x.example/\\n",
    ])
    func `a value that would break out of its quotes is refused`(value: String) {
        #expect(throws: PolicyErrors.self) {
            try PolicyFile.resolved(text: shippedPolicy, name: "p", environment: ["ALERT_WEBHOOK": value])
        }
    }

    @Test func `a policy survives the JSON in which it is published`() throws {
        let policy = try PolicyFile.read(text: shippedPolicy, name: "p")
        #expect(try JSONDecoder().decode(Policy.self, from: JSONEncoder().encode(policy)) == policy)
    }

    @Test func `a product is found by its name and by its aliases`() throws {
        let policy = try PolicyFile.read(text: shippedPolicy, name: "p")
        #expect(policy.product(named: "slack-bot")?.name == "slack_app")
        #expect(policy.product(named: "slack_app")?.name == "slack_app")
        #expect(policy.product(named: "slack")?.name == nil)
        #expect(policy.resources == ["ai_credits"])
    }

    @Test(arguments: [
        ("500ms", nil), ("999ms", nil), ("1s", 1000), ("10s", 10_000), ("3s", 3000), ("60s", 60_000), ("5m", 300_000),
        ("1h", 3_600_000),
        ("1d", 86_400_000),
        ("31d", 2_678_400_000), ("32d", nil), ("60", nil), ("1.5s", nil), ("-1s", nil), ("1001ms", 1001),
        ("1020ms", 1020), ("9223372036854775807d", nil), ("60 s", nil), ("０s", nil),
    ])
    func `a window is 1 s to 31 d`(text: String, ms: Int?) {
        let policy = try? PolicyFile.read(text: small(limit: "unit: requests, window: \(text), amount: 1"), name: "p")
        #expect(policy?.limits.first?.span == ms.map { .window(ms: $0) })
    }

    @Test(arguments: [
        ("0", 0), ("1", 1_000_000), ("0.000001", 1), ("0.1", 100_000), ("20.00", 20_000_000), ("0.0000001", nil),
        ("1e3", nil), ("-1", nil), (".5", nil), ("1.", nil), ("0x10", nil), ("1_0", nil), ("99999999999", nil),
        ("9000000000.999999", 9_000_000_000_999_999), ("٥", nil), ("nan", nil), ("inf", nil),
    ])
    func `dollars are read digit by digit`(text: String, micros: Int?) {
        let policy = try? PolicyFile.read(text: small(limit: "unit: usd, period: day, amount: \(text)"), name: "p")
        #expect(policy?.limits.first?.amount == micros)
    }

    @Test(arguments: [
        ("0", 0), ("200_000", 200_000), ("9007199254740991", Int.largestExact), ("9007199254740992", nil),
        ("99999999999999999999999", nil), ("0x10", nil), ("5.0", nil), ("_5", nil), ("+5", nil), ("\" 5\"", nil),
        ("\"5\"", 5), ("~", nil), ("", nil), ("[5]", nil),
    ])
    func `counts are whole numbers that JSON and Lua keep exactly`(text: String, amount: Int?) {
        let policy = try? PolicyFile.read(text: small(limit: "unit: tokens, period: day, amount: \(text)"), name: "p")
        #expect(policy?.limits.first?.amount == amount)
    }

    @Test func `ladder, tiers, reservations and models of products are read, and survive publication`() throws {
        let text = """
            products:
              a:
                class: ai
                models: [gpt-4.1, auto-is-no-model]
                rewrite: { gpt-4: gpt-4.1, "*": auto }
                outage: { open_for: 10s, allowance: 0.10 }
            classes: { ai: {} }
            limits:
              - { id: one, per: user, unit: tokens, period: day, amount: 9, reserve: expected }
              - { id: two, per: user, unit: usd, period: day, amount: 9, downgrade_at: 0.8, clamp: true }
            ladder: [{ model: claude-opus-4, tier: smart }, claude-sonnet-4, { model: claude-haiku-4, tier: fast }]
            downgrade: always
            """
        let policy = try PolicyFile.read(text: text, name: "p")
        #expect(policy.products["a"]?.models == ["gpt-4.1", "auto-is-no-model"])
        #expect(policy.products["a"]?.rewrite == ["gpt-4": "gpt-4.1", "*": "auto"])
        #expect(policy.products["a"]?.outage == .init(openForMs: 10_000, allowance: MicroUSD(micros: 100_000)))
        #expect(policy.limits.map(\.reserve) == [.expected, .full])
        #expect(policy.limits.map(\.clamp) == [false, true])
        #expect(
            policy.ladder == [
                .init(model: "claude-opus-4", tier: "smart"), "claude-sonnet-4",
                .init(model: "claude-haiku-4", tier: "fast"),
            ])
        #expect(policy.downgrade == .always)
        #expect(try JSONDecoder().decode(Policy.self, from: JSONEncoder().encode(policy)) == policy)
    }

    @Test func `every way to name calls is read`() throws {
        let limit = """
            unit: concurrency, amount: 8, products: [a, alias], classes: [ai], models: [m1, m2], resource: credits,
            groups: { g: 3 }, group_rule: max, enforce: shadow
            """
        let policy = try PolicyFile.read(text: small(limit: limit), name: "p")
        #expect(
            policy.limits == [
                Limit(
                    id: "one", per: .user, unit: .concurrency, span: .inFlight,
                    match: .init(products: ["a", "b"], classes: ["ai"], models: ["m1", "m2"], resource: "credits"),
                    amount: 8, groupAmounts: ["g": 3], groupRule: .max, enforce: .shadow)
            ])
    }

    @Test(arguments: [
        ("https://models.internal", Policy.Upstream(url: "https://models.internal")),
        ("\"http://10.0.0.1:8000/proxy/\"", Policy.Upstream(url: "http://10.0.0.1:8000/proxy")),
        ("{ url: https://m.internal }", Policy.Upstream(url: "https://m.internal")),
        (
            "{ url: https://m.internal, key_env: WEIR_UPSTREAM_M1 }",
            Policy.Upstream(url: "https://m.internal", keyVariable: "WEIR_UPSTREAM_M1")
        ),
    ])
    func `a product may have an upstream, and keeps it when it is published`(text: String, upstream: Policy.Upstream)
        throws
    {
        let file = "products: { a: { class: ai, upstream: \(text) }, b: { class: ai } }\nclasses: { ai: {} }"
        let policy = try PolicyFile.read(text: file, name: "p")
        #expect(policy.products["a"]?.upstream == upstream)
        #expect(policy.products["b"]?.upstream == nil)
        #expect(try JSONDecoder().decode(Policy.self, from: JSONEncoder().encode(policy)) == policy)
    }
}

/// A small file with one limit.
func small(limit: String) -> String {
    """
    products:
      a: { class: ai, billable: true, resource: credits }
      b: { class: ai, aliases: [alias] }
    classes: { ai: {} }
    limits:
      - { id: one, per: user, \(limit) }
    """
}
