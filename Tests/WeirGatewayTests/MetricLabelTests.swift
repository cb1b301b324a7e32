import AsyncHTTPClient
import NIOHTTP1
import Testing
import WeirCore
import WeirTestSupport

@testable import WeirGateway

@Suite struct MetricLabelTests {
    /// What a client can choose: path, product, model, labels of the ledger, keys, queries, trace headers.
    @Test func `no name that a client sends becomes a series`() async throws {
        try await withGateway { bed in
            func series() async throws -> Set<String> {
                let text = try await bed.send(HTTPClient.Request(url: bed.operations + "/metrics")).text
                #expect(!text.contains("canary"))
                return Set(
                    text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { String($0.prefix { $0 != " " }) })
            }
            func attack(_ number: Int) async throws {
                let name = "canary-\(number)"
                for path in ["/v1/messages", "/\(name)/v1/messages", "/slack_app/v1/messages", "/v1/\(name)"] {
                    var request = try bed.request(
                        path, model: number % 2 == 0 ? name : nil,
                        headers: ["weir-role": name, "weir-task": name, "weir-session": name, "weir-product": name])
                    if number % 3 == 0 { request.headers.replaceOrAdd(name: "authorization", value: "Bearer \(name)") }
                    _ = try await bed.send(request)
                }
                _ = try await bed.send(HTTPClient.Request(url: bed.url + "/quota/v1/authz?product=\(name)"))
                var check = try bed.request("/quota/v1/check", headers: ["weir-product": name])
                check.body = .string(#"{"model":"\#(name)","product":"\#(name)","cost_micros":1}"#)
                _ = try await bed.send(check)
            }
            for number in 0..<6 { try await attack(number) }
            let before = try await series()
            for number in 6..<60 { try await attack(number) }
            #expect(try await series() == before)
            #expect(before.contains { $0.contains(#"product="slack_app""#) })
        }
    }
}
