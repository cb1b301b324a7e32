import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import WeirCore

/// `weir probe`.
struct ProbeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Asks a process whether it is alive, or ready.",
        discussion: """
            For container health checks and scripts: exit code 0 if the answer's status is 2xx, else 1. Prints the answer. \
            /healthz says that a process is alive, /readyz that it may serve; gateways answer on --ops, the aggregator on \
            --listen.

              weir probe http://127.0.0.1:9080/readyz
              systemctl restart weir-gateway@1 && weir probe --wait 60s http://127.0.0.1:9081/readyz
            """)

    @Argument(help: Setting.probeURL.help("Which page to ask for."))
    var url: String?

    @Option(help: "Ask again until the answer is good, at most so long: 60s, 5m.")
    var wait: Span?

    @OptionGroup var output: OutputOptions

    /// What one question found.
    private struct Answer: Encodable {
        let url: String
        let ok: Bool
        /// Nil: there was no answer.
        let status: Int?
        let answer: String

        func report() throws -> Report {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return Report(text: answer, json: String(decoding: try encoder.encode(self), as: UTF8.self), isSuccess: ok)
        }
    }

    func run() async throws {
        let report: Report
        do { report = try await self.report() } catch { throw failure(error) }
        try report.print(output.form)
    }

    func report() async throws -> Report {
        let url = Setting.probeURL.value(url) ?? ""
        let end = ContinuousClock.now + .seconds(wait?.seconds ?? 0)
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(2)))
        // Nobody there is the answer.
        configuration.connectionPool.retryConnectionEstablishment = false
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        var answer = await Self.ask(url, http)
        while !answer.ok, ContinuousClock.now < end {
            // A wait that is cancelled ends with what was answered last.
            do { try await Task.sleep(for: .milliseconds(200)) } catch { break }
            answer = await Self.ask(url, http)
        }
        try await http.shutdown()
        return try answer.report()
    }

    private static func ask(_ url: String, _ http: HTTPClient) async -> Answer {
        do {
            let response = try await http.execute(HTTPClientRequest(url: url), timeout: .seconds(3))
            let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
            return Answer(
                url: url, ok: (200..<300).contains(Int(response.status.code)), status: Int(response.status.code),
                answer: text.trimmingCharacters(in: .whitespacesAndNewlines))
        } catch {
            return Answer(
                url: url, ok: false, status: nil, answer: "\(url) does not answer: \(AdminClient.reason(error))")
        }
    }
}
