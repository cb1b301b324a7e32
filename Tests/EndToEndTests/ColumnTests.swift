import AsyncHTTPClient
import GRDB
import NIOCore
import NIOHTTP1
import Testing
import WeirTestSupport

extension EndToEnd.OneStack {
    @Suite struct ColumnTests {
        private static let labels = [
            "weir-role": "planner", "weir-task": "t-1", "weir-session": "s:1", "weir-prompt-version": "v3",
        ]

        @Test(arguments: [CallRequest.API.messages, .chat, .responses, .gemini])
        func `every column of a call's row is filled`(api: CallRequest.API) async throws {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "columns", user: "ada")
            let call = CallRequest(
                api: api, simulate: "input=100;cache-read=7;output=30;reasoning=10;tool=get_weather;delay-ms=2")
            var request = call.request(gateway: stack.gateways[0], key: person.key)
            for (name, value) in Self.labels { request.headers.add(name: name, value: value) }
            let response = try await Stack.http.execute(request, timeout: .seconds(60))
            _ = try await response.body.collect(upTo: 1 << 20)
            let id = try #require(response.headers.first(name: "weir-request-id"))
            var columns: [String: String] = [:]
            try await eventually("the row of \(id)") {
                columns = try await stack.columns(ofRequest: id)
                return !columns.isEmpty
            }
            // What it held stands in `extra`; only a correction corrects.
            #expect(columns.filter { $0.value.isEmpty }.map(\.key).sorted() == ["corrects"])
            let expected = [
                "role": "planner", "task": "t-1", "session": "s:1", "prompt_version": "v3", "tool_used": "get_weather",
                "outcome": "completed", "ok": "1", "status": "200", "input_tokens": "100", "cache_read_tokens": "7",
                "output_tokens": "30", "reasoning_tokens": "10", "known_model": "1", "team": "columns", "user": "ada",
            ]
            for (column, value) in expected { #expect(columns[column] == value, "\(column)") }
            #expect(try #require(columns["latency_ms"].flatMap { Int($0) }) >= 2)
            #expect(try #require(columns["cost_micros"].flatMap { Int($0) }) > 0)
        }
    }
}

extension Stack {
    /// A call's row as text, column by column; empty text for NULL. Empty: there is none yet.
    fileprivate func columns(ofRequest id: String) async throws -> [String: String] {
        try await ledger { db in
            let row = try Row.fetchOne(db, sql: "SELECT * FROM usage_event WHERE request = ?", arguments: [id])
            var columns: [String: String] = [:]
            for (column, value) in row ?? Row() {
                columns[column] =
                    switch value.storage {
                    case .int64(let number): String(number)
                    case .string(let text): text
                    case .null: ""
                    case .double, .blob: "?"
                    }
            }
            return columns
        }
    }
}
