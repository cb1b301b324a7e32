import ArgumentParser

/// `weir limited`.
struct LimitedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limited",
        abstract: "Shows and changes the limited set: the teams that may not spend a resource now.",
        discussion: """
            The aggregator puts a team there when the ledger says that its budget is spent; an operator may do so by hand. \
            Every node denies the team's billable calls within a second, with 429 and the time that remains. The set is the \
            Redis key weir:quota-limits:RESOURCE; ZADD and ZREM by hand have the same effect.

              weir limited add acme --resource ai_credits --for 2h --reason "under investigation"
            """,
        subcommands: [LimitedList.self, LimitedAdd.self, LimitedRemove.self])
}
