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
        while true {
            let answer = await Self.ask(url)
            if answer.ok || ContinuousClock.now >= end { return try answer.report() }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private static func ask(_ url: String) async -> Answer {
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "connection", value: "close")
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(3))
            let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
            return Answer(
                url: url, ok: (200..<300).contains(Int(response.status.code)), status: Int(response.status.code),
                answer: text.trimmingCharacters(in: .whitespacesAndNewlines))
        } catch {
            return Answer(url: url, ok: false, status: nil, answer: "\(url) does not answer: \(error)")
        }
    }
}
