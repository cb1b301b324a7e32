import ArgumentParser
import CoreMetrics
import Foundation
import Logging
import NIOPosix
import WeirSimulator
import WeirTelemetry

/// `weir simulator`.
struct SimulatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulator",
        abstract: "Stands in for Anthropic, OpenAI and Gemini: answers their APIs without a model and without a bill.",
        discussion: """
            The header x-simulate tells it what to do: input=1200;output=300;chunks=20;delay-ms=50, status=529;retry-after=3, \
            hang-after=4, reset-after=4, usage=none, tool=lookup, and more. GET /log returns every call it was sent, as JSON \
            lines; DELETE /log forgets them. GET /metrics is for Prometheus.

              weir simulator --listen 127.0.0.1:9000
              weir gateway --anthropic-url http://127.0.0.1:9000 --openai-url http://127.0.0.1:9000
            """)

    @Option(help: Setting.simulatorListen.help("Where it listens; port 0 takes any free one."))
    var listen: String?

    @Option(help: Setting.threads.help("Event loops; 0: one per core."))
    var threads: String?

    @Flag(help: #"Say it as JSON when it serves: {"url":URL}."#)
    var json = false

    func run() async throws {
        do {
            let address = try ListenAddress(Setting.simulatorListen.value(listen) ?? "")
            guard let threads = Int(Setting.threads.value(threads) ?? ""), (0...1024).contains(threads) else {
                throw SettingError(description: "--threads must be a number; use 0 for one per core")
            }
            LoggingSystem.bootstrap(level: .notice)
            let metrics = MetricsRegistry(MetricCatalogue.simulator)
            MetricsSystem.bootstrap(metrics)
            let cores = ProcessInfo.processInfo.activeProcessorCount
            let simulator = Simulator(
                configuration: SimulatorConfiguration(
                    host: address.host, port: address.port, threads: threads == 0 ? cores : threads),
                logger: Logger(label: "weir.simulator"), metrics: metrics)
            _ = try await simulator.start()
            say(json ? ReadyLine.json(["url": simulator.url]) : "weir simulator ready: \(simulator.url)")
            await untilSignalled()
            try await simulator.stop()
        } catch {
            throw failure(error)
        }
    }
}
