import ArgumentParser
import WeirAdmin
import WeirCore

/// `weir limits explain`.
struct LimitsExplain: AdminTableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract:
            "Shows every limit that a call would meet now, and the gateway's verdict, without consuming anything.",
        discussion: """
            Asks what a gateway would be asked: kill switch, limited set, models, and each limit by the same script as far as \
            it decides. --input-tokens is the upper bound that a gateway would reserve: the bytes of the request's text and \
            512. Without --max-tokens it is the model's ceiling, as for a call that does not say. Of a limit with reserve: \
            expected it shows the upper bound, since only a gateway knows what its recent calls used. The exit code is 0 \
            whatever the verdict.

              weir limits explain --key wk_1a2B3c4D --model claude-sonnet-4 --max-tokens 1000
              weir limits explain --team acme --user alice --product slack_app --model auto --input-tokens 8000
            """)

    @Option(help: "The id of the caller's API key, as weir keys list shows it.")
    var key: String?

    @Option(help: "The team instead: its newest key, of --user, or without a user.")
    var team: String?

    @Option(help: "The user of --team.")
    var user: String?

    @Option(help: "The product; without it the key's first, else default.")
    var product: String?

    @Option(help: "The model that is asked for: its name, auto or tier:NAME.")
    var model: String

    @Option(help: "Whose API is called (anthropic, openai, gemini), where the model does not tell.")
    var provider: String?

    @Option(help: "The client's address, for limits per address.")
    var ip: String?

    @Option(help: "At most so many LLM tokens of input.")
    var inputTokens: Int?

    @Option(help: "The request's max_tokens.")
    var maxTokens: Int?

    @OptionGroup var table: TableOptions

    @OptionGroup var admin: AdminOptions

    func validate() throws {
        if let key, key.count > 20 {
            throw ValidationError("Give the key's id (wk_1a2B3c4D), not the key: it is a secret.")
        }
        if key != nil, team != nil || user != nil { throw ValidationError("Give --key, or --team and --user.") }
        if user != nil, team == nil { throw ValidationError("--user needs --team.") }
    }

    func perform(_ client: AdminClient) async throws -> Report {
        let (answer, json) = try await client.send(
            .get, ["limits", "explain"],
            query: [
                ("key", key), ("team", team), ("user", user), ("product", product), ("model", model),
                ("provider", provider), ("ip", ip), ("input_tokens", inputTokens.map(String.init)),
                ("max_tokens", maxTokens.map(String.init)),
            ], as: ExplainAnswer.self)
        var report = Report(text: Self.text(answer.call), json: json)
        if !answer.limits.isEmpty { report.parts += [.text(""), .table(Self.table(answer.limits))] }
        report.parts += [.text(""), .text(Self.text(answer.verdict))]
        return report
    }

    private static func text(_ call: ExplainedCall) -> String {
        let parts = [
            ("team", call.team), ("user", call.user), ("key", call.key), ("product", call.product),
            ("class", call.callClass), ("model", call.model), ("provider", call.provider),
        ]
        return parts.compactMap { name, value in value.map { "\(name) \($0)" } }.joined(separator: ", ")
    }

    private static func text(_ verdict: ExplainedVerdict) -> String {
        guard verdict.admitted else { return "denied, \(verdict.weir?.reason ?? "?"): \(verdict.message ?? "")" }
        var text = "admitted: \(verdict.model ?? "?") would serve it"
        if let dearer = verdict.downgradedFrom { text += ", downgraded from \(dearer)" }
        if let tokens = verdict.maxTokens { text += ", with max_tokens \(tokens.grouped)" }
        return text
    }

    static func table(_ limits: [ExplainedLimitLine]) -> TextTable {
        let numbers = ["USED", "RESERVED", "REMAINING", "THIS CALL"]
        var table = TextTable(
            ["LIMIT", "SUBJECT", "AMOUNT", "FROM"].map { .init(title: $0) }
                + numbers.map { .init(title: $0, isNumber: true) }
                + [.init(title: "RESETS"), .init(title: "ANSWER", tones: ["denies": .bad, "admits": .good])])
        table.rows = limits.map { limit in
            func units(_ count: Int) -> String {
                limit.unit == "usd" ? MicroUSD(micros: count).description : count.grouped
            }
            let amount = LimitAmount.text(limit.amount, unit: limit.unit)
            return [
                limit.limit, limit.subject, limit.amount == 0 ? amount : amount + limit.span, limit.amountSource,
                units(limit.used), units(limit.reserved), limit.remaining.map(units) ?? "",
                limit.cost.map(units) ?? "", limit.resetsAt ?? "", limit.answer,
            ]
        }
        return table
    }
}

extension ExplainedLimitLine {
    /// ` in 60 s`, ` a month`, ` at once`.
    fileprivate var span: String { LimitAmount.span(windowMs: windowMs, period: period) }

    fileprivate var answer: String {
        if wouldDeny { return "denies" }
        if exceeded { return "exceeded (\(enforce))" }
        return enforce == "reserve" ? "admits" : "admits (\(enforce))"
    }
}
