import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Testing
import WeirTestSupport

extension EndToEnd.OneStack {
    @Suite struct DecisionTests {
        private struct Answer: Decodable {
            let id: String?
            let state: String?
            let limited: Bool?
        }

        private func ask(
            _ path: String, _ body: String? = nil, _ person: Person, gateway: Int
        ) async throws -> (status: Int, answer: Answer) {
            var request = HTTPClientRequest(url: try Stack.here.gateways[gateway] + "/quota/v1/" + path)
            request.headers.add(name: "x-api-key", value: person.key)
            if let body {
                request.method = .POST
                request.body = .bytes(ByteBuffer(string: body))
            }
            let response = try await Stack.http.execute(request, timeout: .seconds(60))
            let bytes = try await response.body.collect(upTo: 1 << 20)
            return (
                Int(response.status.code), try JSONDecoder().decode(Answer.self, from: Data(bytes.readableBytesView))
            )
        }

        /// 1000 × 3 $ + 500 × 15 $, and 400 × 3 $ + 100 × 15 $ per million tokens.
        private static let estimate = 10_500
        private static let used = 2_700

        @Test
        func `a reservation ends in one row of the ledger, settled by another gateway, or by nobody and then late`()
            async throws
        {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "deciders", user: "dee")
            let other = try await stack.newPerson(team: "deciders", user: "dan")
            let body =
                #"{"model":"claude-sonnet-4","lease_seconds":1,"tokens":{"input_tokens":1000,"output_tokens":500}}"#
            let settled = try await ask("reserve", body, person, gateway: 0)
            let first = try #require(settled.answer.id)
            let usage = #""tokens":{"input_tokens":400,"output_tokens":100}"#
            #expect(try await ask("settle", #"{"id":"\#(first)",\#(usage)}"#, other, gateway: 1).status == 403)
            for gateway in [1, 0, 1] {
                let end = try await ask("settle", #"{"id":"\#(first)",\#(usage)}"#, person, gateway: gateway)
                #expect(end.status == 200 && end.answer.state == "settled")
            }
            let second = try #require(try await ask("reserve", body, person, gateway: 1).answer.id)
            func costs() async throws -> [String: Int] {
                let events = try await stack.events(teams: ["deciders"])
                #expect(Set(events.map(\.id)).count == events.count)
                return Dictionary(events.map { ($0.id, $0.costMicros) }) { $1 }
            }
            try await eventually("the unsettled one charged whole", within: .seconds(30)) {
                try await costs() == [first: Self.used, second: Self.estimate]
            }
            #expect(try await ask("settle", #"{"id":"\#(second)",\#(usage)}"#, person, gateway: 0).status == 200)
            try await eventually("the late settlement in its place", within: .seconds(30)) {
                try await costs() == [first: Self.used, second: Self.used]
            }
            #expect(try await stack.budget("spend", "user:deciders/dee") == .init(settled: 2 * Self.used, reserved: 0))
            #expect(try await ask("limits?product=default", nil, person, gateway: 1).answer.limited == false)
        }
    }
}
