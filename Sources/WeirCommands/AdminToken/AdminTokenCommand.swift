import ArgumentParser

/// `weir admin-token`.
struct AdminTokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin-token",
        abstract: "Makes, lists and revokes tokens for the admin API and the dashboard.",
        discussion: """
            Each token has a name, which the audit shows, and a role: a viewer reads; an operator also throws the kill \
            switch and changes limited sets; an admin does everything. The token in WEIR_ADMIN_TOKEN of the aggregator is \
            an admin's, too.

              weir admin-token create --ledger sqlite:weir.db --name ann --role admin   # the first
              weir admin-token create --name oncall --role operator --expires 90d       # others, over the API
            """,
        subcommands: [AdminTokenCreate.self, AdminTokenList.self, AdminTokenRevoke.self])
}
