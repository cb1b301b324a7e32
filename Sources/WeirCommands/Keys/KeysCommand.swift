import ArgumentParser

/// `weir keys`.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Makes, lists, rotates and revokes API keys.",
        discussion: """
            A key belongs to a team and maybe a user. Clients send it as authorization: Bearer KEY or as x-api-key: KEY. \
            Its text is shown once, when it is made; afterwards it is known by its id, wk_… .

              weir keys create --team acme --user alice --expires-in 90d
            """,
        subcommands: [KeysCreate.self, KeysList.self, KeysRotate.self, KeysRevoke.self])
}
