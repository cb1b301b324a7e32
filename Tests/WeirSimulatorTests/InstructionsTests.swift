import Testing

@testable import WeirSimulator

@Suite struct InstructionsTests {
    @Test func `every field is read`() throws {
        let read = try Instructions(
            header: "input=1;output=2;cache-read=3;cache-write-5m=4;cache-write-1h=5;reasoning=1; chunks=6;delay-ms=7;"
                + "head-delay-ms=8;hang-after=9;reset-after=10;end-after=12;error-after=13;"
                + "split=14;status=529;retry-after=11;usage=twice;tool=a-B_1;")
        var expected = Instructions()
        expected.input = 1
        expected.output = 2
        expected.cacheRead = 3
        expected.cacheWrite5m = 4
        expected.cacheWrite1h = 5
        expected.reasoning = 1
        expected.chunks = 6
        expected.delayMs = 7
        expected.headDelayMs = 8
        expected.hangAfter = 9
        expected.resetAfter = 10
        expected.endAfter = 12
        expected.errorAfter = 13
        expected.split = 14
        expected.status = 529
        expected.retryAfter = 11
        expected.usage = .twice
        expected.tool = "a-B_1"
        #expect(read == expected)
    }

    @Test(arguments: [
        ("outptu=1", "'outptu' is not known"), ("output", "'output' needs a value"), ("=1", "'' is not known"),
        ("output=1;output=2", "'output' is given twice"), ("output=-1", "'-1' is not a whole number"),
        ("output=+1", "'+1' is not"), ("output=1e3", "'1e3' is not"), ("output=", "'' is not"),
        ("output=99999999999999999999", "from 0 to 1000000000"), ("output=1000000001", "from 0 to 1000000000"),
        ("chunks=0", "from 1 to 100000"), ("status=200", "from 300 to 599"), ("usage=often", "'often' is none of"),
        ("tool=a b", "tool 'a b'"), ("tool=", "tool ''"), ("delay-ms=600001", "from 0 to 600000"),
    ])
    func `a field that is unknown or malformed is refused by name`(header: String, words: String) async throws {
        let fault = #expect(throws: Instructions.Fault.self) { try Instructions(header: header) }
        #expect(fault?.message.contains(words) == true, "\(fault?.message ?? "")")
    }

    @Test func `a malformed header is answered with 400 in the caller's dialect and costs nothing`() async throws {
        try await withSimulator { simulator in
            let anthropic = try await simulator.send("/v1/messages", Request.messages, simulate: "outptu=1")
            #expect(anthropic.status == 400)
            #expect(try anthropic.json.at("error.type") == "invalid_request_error")
            #expect(try anthropic.json.at("error.message", as: String.self).contains("outptu"))
            let openAI = try await simulator.send("/v1/chat/completions", Request.chat, simulate: "cache-write-5m=1")
            #expect(openAI.status == 400)
            let call = try await simulator.lastCall()
            #expect(call.outcome == .error && call.usage == SimulatedUsage() && call.status == 400)
        }
    }

    @Test(arguments: [
        (report: "none", seen: [] as [Int], billed: 50), ("zero", [0], 0), ("twice", [50, 50], 50),
        ("decreasing", [50, 25], 50), ("negative", [-51], 50), ("huge", [1 << 53 + 50], 50),
    ])
    func `a stream's usage is reported as told and billed as it was`(
        report: String, seen: [Int], billed: Int
    ) async throws {
        try await withSimulator { simulator in
            let simulate = "output=50;usage=\(report)"
            let anthropic = try await simulator.send("/v1/messages", Request.messagesStream, simulate: simulate).events
            let deltas = anthropic.filter { $0.name == "message_delta" }.compactMap {
                ($0.data["usage"] as? [String: Any])?["output_tokens"] as? Int
            }
            #expect(deltas == seen)
            let asking =
                #"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user"}]}"#
            let openAI = try await simulator.send("/v1/chat/completions", asking, simulate: simulate).events
            #expect(
                openAI.compactMap { ($0.data["usage"] as? [String: Any])?["completion_tokens"] as? Int } == seen)
            let outputs = simulator.log().map(\.usage.output)
            #expect(outputs == [billed, billed])
        }
    }

    @Test func `a plain answer without usage has none, and one of zero says zero`() async throws {
        try await withSimulator { simulator in
            let none = try await simulator.send("/v1/messages", Request.messages, simulate: "usage=none").json
            #expect(none["usage"] == nil)
            let zero = try await simulator.send("/v1/chat/completions", Request.chat, simulate: "usage=zero").json
            #expect(try zero.at("usage.total_tokens") == 0)
            #expect(simulator.log().map(\.usage.output) == [20, 0])
        }
    }

    @Test(arguments: [(429, "rate_limit_error"), (500, "api_error"), (529, "overloaded_error")])
    func `a status is answered with its error, and retry-after comes along`(status: Int, type: String) async throws {
        try await withSimulator { simulator in
            let simulate = "status=\(status);retry-after=7"
            let anthropic = try await simulator.send("/v1/messages", Request.messagesStream, simulate: simulate)
            #expect(anthropic.status == status && anthropic.headers["retry-after"] == "7")
            #expect(try anthropic.json.at("type") == "error" && anthropic.json.at("error.type") == type)
            #expect(try anthropic.json.at("request_id", as: String.self).hasPrefix("req_"))
            let openAI = try await simulator.send("/v1/chat/completions", Request.chat, simulate: simulate)
            #expect(openAI.status == status && openAI.headers["retry-after"] == "7")
            #expect(try openAI.json.at("error.message", as: String.self).contains("\(status)"))
            #expect(simulator.log().allSatisfy { $0.outcome == .error && $0.usage == SimulatedUsage() })
        }
    }
}
