import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import WeirAdmin

/// A client of the demo: calls through the gateways in turn, and asks the admin API.
final class DemoClient: Sendable {
    enum API { case anthropic, openAI }

    private let ready: DevReady
    private let http: HTTPClient
    private let admin: AdminClient

    private init(ready: DevReady, http: HTTPClient, admin: AdminClient) {
        (self.ready, self.http, self.admin) = (ready, http, admin)
    }

    static func with(ready: DevReady, _ body: (DemoClient) async throws -> Void) async throws {
        try await AdminClient.with(url: ready.aggregator, token: ready.adminToken) { admin in
            let http = HTTPClient(eventLoopGroupProvider: .singleton)
            do {
                try await body(DemoClient(ready: ready, http: http, admin: admin))
                try await http.shutdown()
            } catch {
                try? await http.shutdown()
                throw error
            }
        }
    }

    /// One call. What the simulator makes of it says `simulate`.
    func call(
        _ person: String, api: API = .anthropic, model: String? = nil, product: String? = nil, maxTokens: Int = 1000,
        isStream: Bool = false, simulate: String = "input=100;output=20"
    ) async throws -> DemoAnswer {
        let gateway = ready.gateways.randomElement() ?? ""
        var request = HTTPClientRequest(
            url: gateway + (product.map { "/\($0)" } ?? "")
                + (api == .anthropic ? "/v1/messages" : "/v1/chat/completions"))
        request.method = .POST
        let key = ready.keys[person] ?? ""
        switch api {
        case .anthropic: request.headers = ["x-api-key": key, "anthropic-version": "2023-06-01"]
        case .openAI: request.headers = ["authorization": "Bearer \(key)"]
        }
        request.headers.add(name: "content-type", value: "application/json")
        request.headers.add(name: "x-simulate", value: simulate)
        let model = model ?? (api == .anthropic ? "claude-sonnet-4" : "gpt-4o-mini")
        request.body = .bytes(
            ByteBuffer(
                string: #"{"model":"\#(model)","max_tokens":\#(maxTokens),"stream":\#(isStream),"#
                    + #""messages":[{"role":"user","content":"Tell me about weirs."}]}"#))
        let response = try await http.execute(request, timeout: .seconds(60))
        let body = try await response.body.collect(upTo: 16 << 20)
        return DemoAnswer(
            status: Int(response.status.code), model: response.headers.first(name: "weir-model"),
            body: Data(body.readableBytesView))
    }

    /// What the ledger says was spent, by team.
    func spentText() async throws -> String {
        // Usage is in the ledger a moment after the answer.
        try await Task.sleep(for: .milliseconds(500))
        let report = try await UsageCommand.parse(["--by", "team"]).perform(admin)
        let lines = report.text.split(separator: "\n").map { "\n     " + $0 }
        return lines.joined()
    }

    func switchOff() async throws {
        let request = KillSwitchRequest(scope: "global", on: false, reason: "the demo goes on")
        _ = try await admin.send(.post, ["kill-switch"], body: .json(request))
    }
}
