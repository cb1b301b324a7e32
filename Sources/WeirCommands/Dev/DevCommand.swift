import ArgumentParser
import Foundation
import Logging

/// `weir dev`.
struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "A whole Weir in one terminal: redis-server, aggregator, two gateways and a simulated provider.",
        discussion: """
            Everything runs on free ports of 127.0.0.1 and writes to one private directory, which is removed at the end \
            unless --dir names it. Ctrl-C ends all of it. Nothing leaves the machine and nothing costs money.

              weir dev --demo                          watch it work
              weir dev --policy deploy/policy.yaml     try your own policy
              weir dev --dir /tmp/w --ready-file /tmp/w/ready.json --for 20s     for scripts

            The ready file appears when calls can be made: one JSON object with the addresses, the ledger's path, the \
            processes' ids, the admin token and the API keys.
            """)

    @Flag(help: "Also send traffic, and say in plain words what happens to it.")
    var demo = false

    @Option(help: "Start with this policy instead of the demo's.")
    var policy: String?

    @Option(help: "Keep everything in this directory. A second start there goes on with the same ledger and keys.")
    var dir: String?

    @Option(help: "Write a JSON object here when everything is ready.")
    var readyFile: String?

    @Flag(help: "Go on when one of the processes ends, instead of ending all: for scripts that kill and replace some.")
    var keepGoing = false

    @Option(name: .customLong("for"), help: "End by itself after this time, as 20s or 5m.")
    var span: Span?

    @Flag(help: "Print the ready file's JSON object instead of words; not with --demo.")
    var json = false

    func validate() throws {
        if json, demo { throw ValidationError("--demo tells a story in words: leave --json out.") }
    }

    func run() async throws {
        do {
            LoggingSystem.bootstrap(level: .error)
            try await serve()
        } catch {
            throw failure(error)
        }
    }

    private func serve() async throws {
        // From here on signals only end the wait below, so that every child is ended first.
        let signals = Task { await untilSignalled() }
        let policyFile = try policy ?? Self.demoPolicyFile()
        defer { if policy == nil { try? FileManager.default.removeItem(atPath: policyFile) } }
        let stack = try await DevStack.start(.init(directory: dir, policyFile: policyFile))
        do {
            if let readyFile { try stack.ready.write(to: readyFile) }
            say(json ? try stack.ready.json() : DevText.welcome(stack))
            try await withThrowingTaskGroup { group in
                group.addTask {
                    // A task of its own does not end with the group by itself, and the group waits for it.
                    await withTaskCancellationHandler {
                        await signals.value
                    } onCancel: {
                        signals.cancel()
                    }
                }
                if let span { group.addTask { try await Task.sleep(for: .seconds(span.seconds)) } }
                if !keepGoing {
                    group.addTask {
                        while true {
                            if let lost = stack.lost {
                                throw DevError(
                                    description: "\(lost.name) has ended; see \(stack.directory)/\(lost.name).log")
                            }
                            try await Task.sleep(for: .milliseconds(200))
                        }
                    }
                }
                if demo {
                    group.addTask {
                        try await Demo(ready: stack.ready).run()
                        try await Task.sleep(for: .seconds(1_000_000_000))
                    }
                }
                defer { group.cancelAll() }
                try await group.next()
            }
            if !json { say("\nEnding…") }
            await stack.stop()
        } catch {
            await stack.stop()
            throw error
        }
    }

    private static func demoPolicyFile() throws -> String {
        let path = try PrivateRedis.privateDirectory() + "/demo-policy.yaml"
        guard FileManager.default.createFile(atPath: path, contents: Data(PackageResources.demo_policy_yaml)) else {
            throw DevError(description: "cannot write \(path)")
        }
        return path
    }
}
