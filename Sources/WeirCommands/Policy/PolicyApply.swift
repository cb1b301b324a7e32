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

            An older version is applied again under a new number:

              weir policy apply --version 3
            """)

    @OptionGroup var source: OptionalPolicySource

    @Option(help: "Why, for the audit and weir policy show.")
    var note: String?

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        let (yaml, name) = try await source.yaml(client)
        let note = note ?? source.version.map { "version \($0) again" }
        let (answer, json) = try await client.send(
            .put, ["policy"], query: [("name", name), ("note", note)], body: .yaml(yaml), as: PolicyAnswer.self)
        return Report(
            text: "version \(answer.version) is applied: \(answer.policy.products.count) products, "
                + "\(answer.policy.limits.count) limits", json: json)
    }
}
