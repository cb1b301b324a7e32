import ArgumentParser

/// `weir policy`.
struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Checks, compares, applies and shows the policy: who may spend how much.",
        discussion: """
            The policy is one YAML file; deploy/policy.yaml is an example that explains itself. ${NAME:-default} takes NAME \
            from the environment of this command.

              weir policy diff policy.yaml && weir policy apply policy.yaml --note "more for contractors"
            """,
        subcommands: [
            PolicyCheck.self, PolicyDiffCommand.self, PolicyApply.self, PolicyShow.self, PolicyVersions.self,
        ])
}
