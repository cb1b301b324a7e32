import Foundation

/// Asks again and again, and shows what changed.
struct TopLoop: Sendable {
    let client: AdminClient
    /// What was there when it began.
    let first: TopSample
    /// Between two looks.
    let pause: Duration
    let mostTeams: Int
    let isJSON: Bool
    let palette: Palette

    /// One block, after one pause.
    func showOnce() async throws {
        try await Task.sleep(for: pause)
        let sample = try await TopSample.take(client)
        try say(block(view(sample, since: first), isLast: true))
    }

    /// A block for each look, until a signal. What could not be asked is said on stderr, and asked again.
    func stream() async throws {
        try say(block(view(first, since: nil)))
        await untilEnd {
            await look { view in
                try say(block(view))
            } orSay: { error in
                FileHandle.standardError.write(Data("weir: \(error)\n".utf8))
            }
        } or: {
            await untilSignalled()
        }
    }

    /// In place, until a signal or q.
    func draw(on terminal: Terminal) async {
        await untilEnd {
            var lines = TopScreen.lines(view(first, since: nil), palette: palette)
            terminal.draw(lines)
            await look { view in
                lines = TopScreen.lines(view, palette: palette)
                terminal.draw(lines)
            } orSay: { error in
                // What was known stays, under the reason why there is nothing newer.
                let reason = "\(error)".split(separator: "\n").first.map(String.init) ?? ""
                terminal.draw([palette.text(reason, .bad)] + lines)
            }
        } or: {
            await untilEnd {
                await terminal.untilQuit()
            } or: {
                await untilSignalled()
            }
        }
        terminal.restore()
    }

    /// Looks after each pause until it is cancelled.
    private func look(_ show: (TopView) throws -> Void, orSay say: (any Error) -> Void) async {
        var before = first
        while true {
            do {
                try await Task.sleep(for: pause)
                let sample = try await TopSample.take(client)
                try show(view(sample, since: before))
                before = sample
            } catch {
                if Task.isCancelled { return }
                say(error)
            }
        }
    }

    private func view(_ sample: TopSample, since before: TopSample?) -> TopView {
        TopView(sample, since: before, mostTeams: mostTeams)
    }

    private func block(_ view: TopView, isLast: Bool = false) throws -> String {
        if isJSON { return try view.json() }
        return TopScreen.lines(view, palette: palette).joined(separator: "\n") + (isLast ? "" : "\n")
    }

    /// Runs both; the end of either ends the other.
    private func untilEnd(
        _ work: @escaping @Sendable () async -> Void, or end: @escaping @Sendable () async -> Void
    ) async {
        await withTaskGroup { group in
            group.addTask { await work() }
            group.addTask { await end() }
            await group.next()
            group.cancelAll()
        }
    }
}
