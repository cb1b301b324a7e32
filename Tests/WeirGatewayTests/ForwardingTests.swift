import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Testing
import WeirCore
import WeirSimulator
import WeirTestSupport

@testable import WeirGateway

@Suite struct ForwardingTests {
    static let paths = ["/v1/messages", "/v1/chat/completions", "/v1/responses"]

    @Test(arguments: paths, [false, true])
    func `an answer passes byte by byte and is charged as the provider charged it`(
        path: String, stream: Bool
    ) async throws {
        try await withGateway { bed in
            let request = try bed.request(path, simulate: "input=10;output=30;chunks=5;cache-read=4", stream: stream)
            let through = try await bed.send(request)
            let direct = try await bed.send(bed.direct(request))
            #expect(through.status == .ok)
            // A provider that is asked for usage says in every chunk that it has none yet.
            var passed = withoutNumbers(through.text)
            if path.hasSuffix("completions") { passed = passed.split(separator: #","usage":null"#).joined() }
            #expect(passed == withoutNumbers(direct.text))
            #expect(through.headers["content-type"] == direct.headers["content-type"])
            #expect(through.headers["content-length"].isEmpty == direct.headers["content-length"].isEmpty)
            #expect(bed.admission.unbalanced == [])
            let event = try #require(bed.admission.now.settled.first)
            let log = try #require(bed.simulator.log().first)
            #expect(log.key == TestBed.providerKey)
            #expect(log.outcome == .completed)
            #expect(event.outcome == .completed)
            #expect(event.isOK && event.status == 200)
            #expect(event.tokens == TokenUsage(input: 10, cacheRead: 4, output: 30))
            #expect(event.cost.micros > 0)
            #expect(event.extra["estimated"] == nil)
            #expect(event.request == through.headers.first(name: "weir-request-id"))
            #expect(log.request == event.request)
            #expect(through.headers.first(name: "weir-product") == "default")
        }
    }

    @Test func `a chat stream whose client asked for usage keeps it, another does not see it`() async throws {
        try await withGateway { bed in
            let plain = try await bed.send(
                bed.request("/v1/chat/completions", simulate: "input=10;output=30", stream: true))
            #expect(!plain.text.contains("prompt_tokens"))
            #expect(plain.text.hasSuffix("data: [DONE]\n\n"))
            var asking = try bed.request("/v1/chat/completions", simulate: "input=10;output=30", stream: true)
            asking.body = .string(
                #"{"model":"\#(TestBed.openAIModel)","stream":true,"stream_options":{"include_usage":true},"#
                    + #""messages":[{"role":"user","content":"hello"}]}"#)
            #expect(try await bed.send(asking).text.contains("prompt_tokens"))
            #expect(bed.admission.now.settled.map(\.tokens.output) == [30, 30])
        }
    }

    @Test func `the event carries who called, for what, and the caller's labels`() async throws {
        try await withGateway { bed in
            let request = try bed.request(
                "/slack-bot/v1/messages", simulate: "input=7;output=3;tool=search",
                headers: [
                    "weir-role": "planner", "weir-task": "t-1", "weir-session": "s:1", "weir-prompt-version": "v3",
                ])
            let answer = try await bed.send(request)
            #expect(answer.headers.first(name: "weir-product") == "slack_app")
            #expect(answer.headers.first(name: "ratelimit") == "\"ai-calls\";r=4;t=60")
            let event = try #require(bed.admission.now.settled.first)
            #expect(event.team == "acme" && event.user == "alice" && event.key == "k1")
            #expect(event.product == "slack_app" && event.callClass == "ai" && event.billable)
            #expect(event.endpoint == "messages" && event.provider == "anthropic")
            #expect(event.role == "planner" && event.task == "t-1" && event.session == "s:1")
            #expect(event.promptVersion == "v3" && event.toolUsed == "search")
            #expect(event.priceVersion == (try testPrices.get().version) && event.isModelKnown)
            #expect(event.calledAtMs == 1_763_700_000_000)
            #expect(bed.simulator.log().first?.requestHeaders?.contains { $0.name == "weir-role" } == false)
        }
    }

    @Test func `what costs nothing is admitted without tokens or money, and recorded`() async throws {
        try await withGateway { bed in
            #expect(try await bed.send(bed.request("/v1/messages/count_tokens")).status == .ok)
            let models = try HTTPClient.Request(
                url: bed.url + "/v1/models", headers: ["x-api-key": TestBed.key])
            #expect(try await bed.send(models).status == .ok)
            #expect(bed.admission.now.estimates.allSatisfy { $0.tokens == 0 && $0.cost == .zero })
            #expect(bed.admission.now.settled.map(\.cost) == [.zero, .zero])
            #expect(bed.admission.now.settled.map(\.endpoint) == ["messages.count_tokens", "models"])
        }
    }

    @Test(arguments: [400, 401, 404, 429, 500, 529])
    func `F-U4: an error of the provider passes as it is, and costs nothing`(status: Int) async throws {
        try await withGateway { bed in
            let request = try bed.request(simulate: "status=\(status);retry-after=7")
            let through = try await bed.send(request)
            let direct = try await bed.send(bed.direct(request))
            #expect(through.status.code == UInt(status))
            #expect(withoutNumbers(through.text) == withoutNumbers(direct.text))
            #expect(through.headers.first(name: "retry-after") == direct.headers.first(name: "retry-after"))
            let event = try #require(bed.admission.now.settled.first)
            #expect(event.outcome == .providerError && !event.isOK && event.status == status)
            #expect(event.cost == .zero && event.tokens == .zero)
            #expect(through.headers.first(name: "weir-reason") == "provider_error")
            try FaultReport(
                "F-U4", invariant: "the provider's 4xx, 5xx and Retry-After pass, told apart by weir-reason, E2 C1",
                bound: "0 micro-dollars, 1 request", measured: "0, \(bed.simulator.log().count / 2) request"
            ).report()
        }
    }

    @Test func `neither key is seen on the other side`() async throws {
        try await withGateway { bed in
            for path in ["/v1/messages", "/v1/chat/completions"] {
                let request = try bed.request(
                    path, headers: ["cookie": "c=" + TestBed.key, "proxy-authorization": TestBed.key])
                let answer = try await bed.send(request)
                #expect(answer.status == .ok)
                let seen = answer.headers.map { $0.name + $0.value }.joined() + answer.text
                #expect(!seen.contains(TestBed.providerKey))
            }
            for call in bed.simulator.log() {
                #expect(call.key == TestBed.providerKey)
                let headers = try #require(call.requestHeaders)
                #expect(headers.filter { ["x-api-key", "authorization"].contains($0.name.lowercased()) }.count == 1)
                #expect(!headers.contains { ["cookie", "proxy-authorization"].contains($0.name.lowercased()) })
                #expect(!headers.contains { $0.value.contains(TestBed.key) })
                #expect(headers.contains { $0.name == "accept-encoding" && $0.value == "identity" })
            }
        }
    }
}

/// Without ids and times, which differ from call to call.
func withoutNumbers(_ text: String) -> String { String(text.filter { !$0.isNumber }) }
