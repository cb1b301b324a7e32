import Foundation
import Testing
import WeirCore

@Suite struct PolicyDiffTests {
    private static let text = """
        products:
          slack_app: { class: ai, billable: true, resource: ai_credits, aliases: [slack-bot] }
          search: { class: lookup }
        classes: { ai: { kill_switch: true }, lookup: { kill_switch: false } }
        limits:
          - { id: calls, per: user, class: ai, unit: requests, window: 60s, amount: 5 }
          - { id: spend, per: user, unit: usd, period: month, amount: 50.00, groups: { contractors: 20.00 } }
          - { id: tokens, per: user, unit: tokens, period: day, amount: 1000, downgrade_at: 0.8 }
        ladder: [big, small]
        cost_guard: { warn: 5.00, kill: 20.00, period: day }
        unpriced_models: deny
        alerts: { at: [0.5, 1.0] }
        """

    private func changes(_ replacements: [(String, String)]) throws -> [String] {
        var new = Self.text
        for (old, text) in replacements {
            #expect(new.contains(old))
            new = new.replacing(old, with: text)
        }
        var policy = try PolicyFile.read(text: new, name: "new")
        policy.version = 9
        return try PolicyDiff(from: PolicyFile.read(text: Self.text, name: "old"), to: policy).changes.map { change in
            let fields = change.fields.map { "\($0.name): \($0.old ?? "none") → \($0.new ?? "none")" }
            return "\(change.kind) \(change.item) \(change.name ?? "-"): \(fields.joined(separator: "; "))"
        }
    }

    @Test func `the same policy under another version, or with its limits in another order, changes nothing`() throws {
        #expect(try changes([]).isEmpty)
        let line = "  - { id: calls, per: user, class: ai, unit: requests, window: 60s, amount: 5 }\n"
        #expect(try changes([(line, ""), ("ladder:", line + "ladder:")]).isEmpty)
    }

    @Test(arguments: [
        ([("amount: 5 }", "amount: 0 }")], ["changed limit calls: amount: 5 → unlimited"]),
        ([("window: 60s", "window: 90s")], ["changed limit calls: window: 60s → 90s"]),
        (
            [("amount: 50.00, groups: { contractors: 20.00 }", "amount: 60.50, groups: { staff: 9.99 }")],
            [
                "changed limit spend: amount: 50.00 → 60.50; groups.contractors: 20.00 → none; groups.staff: none → 9.99"
            ]
        ),
        ([("downgrade_at: 0.8", "downgrade_at: 0.9")], ["changed limit tokens: downgrade_at: 0.80 → 0.90"]),
        ([("resource: ai_credits, ", "resource: gold, ")], ["changed product slack_app: resource: ai_credits → gold"]),
        ([("[big, small]", "[big]")], ["changed ladder -: ladder: big, small → big"]),
        ([("kill: 20.00", "kill: 25.00")], ["changed cost_guard -: kill: 20.00 → 25.00"]),
        (
            [("unpriced_models: deny", "unpriced_models: deny\norphans: none")],
            ["changed orphans -: orphans: observed → none"]
        ),
        (
            [("unpriced_models: deny", "unpriced_models: flag")],
            ["changed unpriced_models -: unpriced_models: deny → flag"]
        ),
        ([("at: [0.5, 1.0]", "at: [0.5]")], ["changed alerts -: at: 0.50, 1.00 → 0.50"]),
        ([("kill_switch: false", "kill_switch: true")], ["changed class lookup: kill_switch: false → true"]),
    ])
    func `a change is told field by field, in the words of the file`(
        replacements: [(String, String)], expected: [String]
    ) throws {
        #expect(try changes(replacements) == expected)
    }

    @Test func `what is added or removed is told with all that it is or was, products first`() throws {
        let told = try changes([
            ("  search: { class: lookup }\n", "  web: { class: lookup, billable: false }\n"),
            ("id: calls,", "id: calls-2,"),
        ])
        #expect(
            told == [
                "removed product search: anonymous: false → none; billable: false → none; class: lookup → none",
                "added product web: anonymous: none → false; billable: none → false; class: none → lookup",
                "removed limit calls: amount: 5 → none; clamp: false → none; classes: ai → none; enforce: reserve → none; "
                    + "group_rule: min → none; per: user → none; reserve: full → none; unit: requests → none; "
                    + "window: 60s → none",
                "added limit calls-2: amount: none → 5; clamp: none → false; classes: none → ai; enforce: none → reserve; "
                    + "group_rule: none → min; per: none → user; reserve: none → full; unit: none → requests; "
                    + "window: none → 60s",
            ])
    }

    @Test func `every field of a policy is compared`() throws {
        // Each leaf of the published form, changed alone, must be seen: nobody has to remember to add a field here.
        let policy = try PolicyFile.read(text: Self.text, name: "policy")
        var others: [Policy] = []
        func with(_ change: (inout Policy) -> Void) {
            var other = policy
            change(&other)
            others.append(other)
        }
        with { $0.limits[0].per = .team }
        with { $0.limits[0].unit = .tokens }
        with { $0.limits[0].span = .inFlight }
        with { $0.limits[0].span = .period(.day) }
        with { $0.limits[0].match.resource = "r" }
        with { $0.limits[0].match.models = ["m"] }
        with { $0.limits[0].groupRule = .max }
        with { $0.limits[0].enforce = .shadow }
        with { $0.products["search"]?.aliases = ["x"] }
        with { $0.costGuard = nil }
        with { $0.outage.openForMs = 1 }
        with { $0.outage.allowance = MicroUSD(micros: 1) }
        with { $0.alerts.webhook = "https://example.com" }
        for other in others {
            let diff = try PolicyDiff(from: policy, to: other)
            #expect(diff.changes.count == 1, "\(other)")
            #expect(try JSONDecoder().decode(PolicyDiff.self, from: JSONEncoder().encode(diff)) == diff)
        }
    }
}
