import Testing
import WeirCore

@Suite struct LimitTests {
    private static func call(
        user: String? = "alice", groups: [String] = [], product: String = "default", billable: Bool = true,
        resource: String? = "ai_credits", ip: String? = nil
    ) -> Call {
        Call(
            team: "acme", user: user, groups: groups, key: "wk_1", ip: ip, product: product, callClass: "ai",
            billable: billable, resource: resource, model: "claude-sonnet-4")
    }

    private static func limit(
        per: Limit.Per = .user, match: Limit.Match = .init(), amount: Int = 10, groups: [String: Int] = [:],
        rule: Limit.GroupRule = .min
    ) -> Limit {
        Limit(
            id: "a", per: per, unit: .requests, span: .window(ms: 60_000), match: match, amount: amount,
            groupAmounts: groups, groupRule: rule)
    }

    @Test(arguments: [
        (Limit.Match(), true), (.init(products: ["default"]), true), (.init(products: ["search"]), false),
        (.init(classes: ["ai"]), true), (.init(classes: ["lookup"]), false),
        (.init(models: ["claude-sonnet-4"]), true), (.init(models: ["claude-opus-4"]), false),
        (.init(resource: "ai_credits"), true), (.init(resource: "other"), false),
        (.init(products: ["default"], classes: ["lookup"]), false),
    ])
    func `a limit covers a call that fits every field of its match`(match: Limit.Match, covers: Bool) {
        #expect(Self.limit(match: match).covers(Self.call()) == covers)
    }

    @Test func `a limit on a resource does not cover calls that are not billed`() {
        #expect(!Self.limit(match: .init(resource: "ai_credits")).covers(Self.call(billable: false)))
    }

    @Test(arguments: [
        (Limit.Per.team, ["team:acme"]), (.user, ["user:acme/alice"]), (.key, ["key:wk_1"]), (.ip, ["ip:192.0.2.7"]),
        (.group, ["group:acme/a", "group:acme/b"]), (.product, ["product:default"]), (.global, ["global"]),
    ])
    func `a call is counted for whom the limit is`(per: Limit.Per, subjects: [String]) {
        let call = Self.call(groups: ["a", "b"], ip: "192.0.2.7")
        #expect(Self.limit(per: per).subjects(of: call).map(\.text) == subjects)
    }

    @Test func `a key without a user is a user of its own, never unlimited`() {
        #expect(Self.limit().subjects(of: Self.call(user: nil)).map(\.text) == ["key:wk_1"])
    }

    @Test(arguments: [
        ([], Limit.GroupRule.min, 10), (["none"], .min, 10), (["low"], .min, 5), (["low", "high"], .min, 5),
        (["low", "high"], .max, 50), (["high", "free"], .min, 50), (["high", "free"], .max, 0), (["free"], .min, 0),
    ])
    func `an amount is that of the caller's groups, else the default; 0 is more than any`(
        groups: [String], rule: Limit.GroupRule, amount: Int
    ) {
        let limit = Self.limit(groups: ["low": 5, "high": 50, "free": 0], rule: rule)
        #expect(limit.amount(forGroups: groups).amount == amount)
    }

    @Test func `each group's counter has its own amount`() {
        let limit = Self.limit(per: .group, groups: ["low": 5, "high": 50])
        let call = Self.call(groups: ["low", "high"])
        #expect(limit.subjects(of: call).map { limit.amount(for: $0, of: call).amount } == [5, 50])
    }

    @Test(arguments: [(1, true), (100, true), (101, false), (0, false)])
    func `small request limits are counted one by one, others in a ring`(amount: Int, isLog: Bool) {
        #expect(Self.limit(amount: amount).counter == (isLog ? .log(windowMs: 60_000) : .ring(windowMs: 60_000)))
    }

    @Test(arguments: [
        ("alice", true), ("a.b_c@d:e-F9", true), (String(repeating: "x", count: 128), true), ("", false),
        (String(repeating: "x", count: 129), false), ("a b", false), ("a/b", false), ("{a}", false), ("a\n", false),
        ("é", false), ("*", false), ("a\0", false),
    ])
    func `what comes from outside may enter a key only in plain letters`(id: String, isValid: Bool) {
        #expect(Subject.isValidID(id) == isValid)
    }
}
