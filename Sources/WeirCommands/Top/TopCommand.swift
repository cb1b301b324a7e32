import ArgumentParser

/// `weir top`.
struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Shows live who spends: spend, admits and denials per second, hottest teams, limited teams, lag.",
        discussion: """
            From the admin API: today's sums in UTC, and what was added since the last look. Admits are calls that ended, as \
            the ledger has them; nodes report denials within a second or so. On a terminal it redraws in place until q or \
            Ctrl-C; else it prints a block for each interval, or with --json one object a line.

              weir top
              weir top --once
              weir top --json --interval 10s | jq .rates.admits_per_second
            """)

    @Option(help: "How long between two looks: 2s, 1m.")
    var interval = Span(seconds: 2)

    @Option(help: "So many teams, from 1 to 1000.")
    var teams = 10

    @Flag(help: "Print one block, after one interval, and end.")
    var once = false

    @OptionGroup var admin: AdminOptions

    func validate() throws {
        guard (1...1000).contains(teams) else { throw ValidationError("--teams is from 1 to 1000.") }
        guard interval.seconds <= 3600 else { throw ValidationError("--interval is an hour at most.") }
    }

    func run() async throws {
        let (mostTeams, isJSON, palette) = (teams, admin.output.json, admin.output.color.palette)
        let (pause, isOnce) = (Duration.seconds(interval.seconds), once)
        do {
            let url = Setting.adminURL.value(admin.adminUrl) ?? ""
            try await AdminClient.with(url: url, token: admin.token()) { client in
                // A wrong address or token is told before anything is drawn.
                let first = try await TopSample.take(client)
                let loop = TopLoop(
                    client: client, first: first, pause: pause, mostTeams: mostTeams, isJSON: isJSON, palette: palette)
                if isOnce { return try await loop.showOnce() }
                guard !isJSON, let terminal = Terminal() else { return try await loop.stream() }
                await loop.draw(on: terminal)
            }
        } catch {
            throw failure(error)
        }
    }
}
