import Testing
import WeirCore

@Suite struct LimitCallTests {
    static let call = Call(
        team: "acme", user: "alice", groups: ["b", "a", "b"], key: "k1", product: "slack_app", callClass: "ai",
        billable: true, resource: "ai_credits", model: "m")

    static func limit(_ match: Limit.Match) -> Limit {
        Limit(id: "l", per: .user, unit: .usd, span: .period(.day), match: match, amount: 1)
    }

    @Test(arguments: [
        (Limit.Match(), true), (.init(products: ["slack_app"]), true), (.init(products: ["x", "slack_app"]), true),
        (.init(products: ["x"]), false), (.init(classes: ["ai"]), true), (.init(classes: ["lookup"]), false),
        (.init(models: ["m"]), true), (.init(models: ["M"]), false), (.init(resource: "ai_credits"), true),
        (.init(resource: "other"), false), (.init(products: ["slack_app"], classes: ["lookup"]), false),
        (.init(products: ["slack_app"], classes: ["ai"], models: ["m"], resource: "ai_credits"), true),
    ])
    func `a limit covers a call when every field that is set fits`(match: Limit.Match, covers: Bool) {
        #expect(Self.limit(match).covers(Self.call) == covers)
    }

    @Test func `a limit on a resource covers billable calls alone`() {
        var call = Self.call
        call.billable = false
        #expect(!Self.limit(.init(resource: "ai_credits")).covers(call))
        call.billable = true
        call.resource = nil
        #expect(!Self.limit(.init(resource: "ai_credits")).covers(call))
    }

    @Test func `a key without a user is a user of its own, and each group counts once`() {
        var limit = Self.limit(.init())
        #expect(limit.subjects(of: Self.call).map(\.text) == ["user:acme/alice"])
        var call = Self.call
        call.user = nil
        #expect(limit.subjects(of: call).map(\.text) == ["key:k1"])
        limit.per = .group
        #expect(limit.subjects(of: call).map(\.text) == ["group:acme/b", "group:acme/a"])
        limit.per = .ip
        #expect(limit.subjects(of: call).isEmpty)
    }

    @Test(arguments: [
        (Limit.Unit.requests, 100, [:], true), (.requests, 101, [:], false), (.requests, 0, [:], false),
        (.requests, 5, ["a": 101], false), (.requests, 5, ["a": 100], true), (.tokens, 5, [:], false),
    ])
    func `small limits of requests are counted one by one, all else in a ring`(
        unit: Limit.Unit, amount: Int, groups: [String: Int], isLog: Bool
    ) {
        let limit = Limit(
            id: "l", per: .user, unit: unit, span: .window(ms: 60_000), amount: amount, groupAmounts: groups)
        #expect(limit.counter == (isLog ? .log(windowMs: 60_000) : .ring(windowMs: 60_000)))
    }

    @Test(arguments: ["a", "A-Z.0_9@x:y", "user@example.com", "2001:db8::7", String(repeating: "x", count: 128)])
    func `an id of letters, digits and a few signs may become part of a key`(id: String) {
        #expect(Subject.isValidID(id))
    }

    @Test(arguments: [
        "", "a b", "a/b", "{a}", "a\n", "a\0", "ä", "a*", "a,b", "a\"b", "日", String(repeating: "x", count: 129),
    ])
    func `no other id may`(id: String) { #expect(!Subject.isValidID(id)) }
}
