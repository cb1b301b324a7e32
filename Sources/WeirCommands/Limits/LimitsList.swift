import ArgumentParser
import WeirAdmin
import WeirCore

/// `weir limits list`.
struct LimitsList: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Shows the limits of the policy in force, and the amounts that differ from it.",
        discussion: """
            The second table holds what weir limits set; an amount set by redis-cli is not among them.

              weir limits list
            """)

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        let (list, json) = try await client.all(["limits"], as: LimitList.self)
        guard !list.limits.isEmpty else { return Report(text: "no policy with a limit is in force", json: json) }
        var limits = TextTable(["LIMIT", "PER", "COVERS", "AMOUNT", "GROUPS", "ENFORCE"].map { .init(title: $0) })
        limits.rows = list.limits.map { limit in
            let amount = LimitAmount.text(limit.amount, unit: limit.unit)
            let groups = limit.groups.sorted { $0.key < $1.key }.map { group, amount in
                "\(group) \(LimitAmount.text(amount, unit: limit.unit))"
            }
            return [
                limit.id, limit.per, limit.covers, limit.amount == 0 ? amount : amount + limit.span,
                groups.joined(separator: ", "), limit.enforce,
            ]
        }
        guard !list.overrides.isEmpty else { return Report(text: limits.text, json: json) }
        var overrides = TextTable(["SUBJECT", "LIMIT", "AMOUNT", "UNTIL", "BY", "REASON"].map { .init(title: $0) })
        overrides.rows = list.overrides.map { override in
            [
                override.subject, override.limit, LimitAmount.text(override.amount, unit: override.unit),
                override.until.map { timeText(unixSeconds: $0) } ?? "unset", override.actor, override.reason ?? "",
            ]
        }
        return Report(text: limits.text + "\n\n" + overrides.text, json: json)
    }
}

extension LimitDescription {
    /// Which calls: `class ai`, `product slack_app, search`.
    fileprivate var covers: String {
        var parts: [String] = []
        for (what, names) in [("class", classes), ("product", products), ("model", models)] where !names.isEmpty {
            parts.append("\(what) \(names.joined(separator: ", "))")
        }
        if let resource { parts.append("resource \(resource)") }
        return parts.isEmpty ? "all" : parts.joined(separator: "; ")
    }

    /// ` in 60 s`, ` a month`, ` at once`.
    fileprivate var span: String { LimitAmount.span(windowMs: windowMs, period: period) }
}
