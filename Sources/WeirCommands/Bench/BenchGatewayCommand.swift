import ArgumentParser
import Foundation
import Logging

/// `weir bench gateway`.
struct BenchGatewayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway",
        abstract: "Calls through a gateway, beside nginx as a plain proxy and beside the simulator alone.",
        discussion: """
            Starts a private stack (redis-server, simulator, aggregator, one gateway with one event loop) and drives it from \
            this process. Every call is admitted by three limits (a sliding window of requests, a day's tokens, a month's \
            money), forwarded, answered with 1 KB, metered and settled. The same calls go to the simulator directly, and \
            through nginx if it is installed: one worker, kept connections, nothing else configured.

            CPU is what the kernel counts for the process that is called. "Alone" is one connection with one call at a time. \
            With --stream each call is answered by 50 events, one every 10 ms, and the CPU is counted per event.

              weir bench gateway --rounds 7
              weir bench gateway --stream --connections 200

            Rates and latencies suffer from whatever else the machine does; CPU and ratios hardly do.
            """)

    @Option(help: "Connections, each with one call at a time.")
    var connections = 64

    @Option(help: "Calls per measurement (default: 20000, with --stream four per connection).")
    var requests: Int?

    @Option(help: "Rounds; the medians are printed.")
    var rounds = 5

    @Flag(help: "Measure streamed answers, per event.")
    var stream = false

    @Flag(help: "The gateway keeps no outbox: the difference is what it costs.")
    var withoutOutbox = false

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard (1...10_000).contains(connections), (1...10_000_000).contains(requests ?? 1), (1...1000).contains(rounds)
        else {
            throw ValidationError("--connections 1…10000, --requests 1…10000000, --rounds 1…1000")
        }
    }

    func run() async throws {
        do {
            LoggingSystem.bootstrap(level: .error)
            #if DEBUG
                FileHandle.standardError.write(
                    Data("weir: this is a debug build, many times slower: swift build -c release\n".utf8))
            #endif
            let bench = GatewayBench(
                connections: connections, requests: requests ?? (stream ? connections * 4 : 20_000), rounds: rounds,
                isStream: stream, hasOutbox: !withoutOutbox)
            let report = try await untilDoneOrSignalled { try await bench.run() }
            print(json ? try report.json() : report.text)
        } catch {
            throw failure(error)
        }
    }
}

/// Runs `body`; a signal cancels it, so that it ends what it has started.
private func untilDoneOrSignalled<Value: Sendable>(
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            await untilSignalled()
            return nil
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() ?? nil else {
            throw BenchError(description: "stopped")
        }
        return value
    }
}
