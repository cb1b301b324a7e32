import ArgumentParser
import WeirAdmin
import WeirCore

/// `weir policy apply`.
struct PolicyApply: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Applies a policy file: every node obeys it within a second.",
        discussion: """
            The file is checked here and there; of a file with an error nothing is applied. The values of ${NAME} come from \
            the environment of this command and are written into what is sent. Each policy gets a version and is kept.

              RATE_LIMIT_AI=10 weir policy apply deploy/policy.yaml --note "ten calls a minute"
            """)

    @OptionGroup var source: PolicySource

    @Option(help: "Why, for the audit and weir policy show.")
    var note: String?

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        let yaml = try PolicyFile.resolved(
            text: source.text(), name: source.name, environment: Setting.environment)
        let (answer, json) = try await client.send(
            .put, ["policy"], query: [("name", source.name), ("note", note)], body: .yaml(yaml), as: PolicyAnswer.self)
        return Report(
            text: "version \(answer.version) is applied: \(answer.policy.products.count) products, "
                + "\(answer.policy.limits.count) limits", json: json)
    }
}
