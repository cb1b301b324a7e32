import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing
import WeirCore
import WeirSimulator
import WeirTestSupport

@testable import WeirGateway

@Suite struct FaultTests {
    /// A call as bytes, for connections that are ended by hand.
    private func call(_ simulate: String, stream: Bool, maxTokens: Int = 1000) -> String {
        let body =
            #"{"model":"claude-sonnet-4-5-20250929","max_tokens":\#(maxTokens),"stream":\#(stream),"#
            + #""messages":[{"role":"user","content":"hi"}]}"#
        return "POST /v1/messages HTTP/1.1\r\nHost: h\r\nx-api-key: \(TestBed.key)\r\nx-simulate: \(simulate)\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n" + body
    }

    private func deltas(_ text: String) -> Int {
        text.split(separator: "event: content_block_delta", omittingEmptySubsequences: false).count - 1
    }

    @Test(arguments: 0...4, [true, false])
    func `F-C1: a client that hangs up in mid-stream pays all of a drained answer`(chunks: Int, resets: Bool)
        async throws
    {
        try await withGateway { bed in
            let connection = try await RawConnection(port: bed.port)
            try await connection.send(call("input=50;output=40;chunks=5;delay-ms=200", stream: true))
            try await eventually { bed.simulator.log().count == 1 && deltas(connection.text) >= chunks }
            #expect(bed.simulator.log().first?.outcome == .open, "the test was too slow to hang up in time")
            if resets { try await connection.reset() } else { try await connection.close() }
            try await eventually { bed.admission.now.settled.count == 1 }
            let event = try #require(bed.admission.now.settled.first)
            #expect(event.outcome == .clientGone && !event.isOK)
            #expect(event.tokens == TokenUsage(input: 50, output: 40))
            #expect(bed.admission.unbalanced == [])
            #expect(bed.simulator.log().first?.outcome == .completed)
            try FaultReport(
                "F-C1", invariant: "hang-up after k = 0…4 chunks, FIN or RST: charged as the provider did, E1",
                bound: "90 tokens, 1 event", measured: "\(event.tokens.total) tokens, 1 event"
            ).report()
        }
    }

    @Test(arguments: 0...4)
    func `F-C1: without a drain the provider is cancelled, and at least what was seen is charged`(chunks: Int)
        async throws
    {
        try await withGateway(adjust: { $0.drain.atOnce = 0 }) { bed in
            let connection = try await RawConnection(port: bed.port)
            try await connection.send(call("input=50;output=400;chunks=50;delay-ms=20", stream: true))
            try await eventually { bed.simulator.log().count == 1 && deltas(connection.text) >= chunks }
            let seen = deltas(connection.text)
            try await connection.close()
            try await eventually { bed.admission.now.settled.count == 1 }
            let event = try #require(bed.admission.now.settled.first)
            #expect(event.outcome == .clientGone)
            #expect(event.cost.micros > 0 && event.tokens.input > 0)
            // 8 tokens of about 4 bytes in each of the 50 parts; the estimate from bytes is a quarter of them.
            #expect(event.tokens.output >= seen * 5)
            #expect(event.extra["estimated"] != nil)
            #expect(bed.admission.unbalanced == [])
            try await eventually { bed.simulator.log().first?.outcome == .clientGone }
        }
    }

    @Test func `a drain ends at its cap, of bytes or of time`() async throws {
        for adjust in [
            { (configuration: inout GatewayConfiguration) in configuration.drain.bytes = 300 },
            { (configuration: inout GatewayConfiguration) in configuration.drain.time = .milliseconds(100) },
        ] {
            try await withGateway(adjust: adjust) { bed in
                let connection = try await RawConnection(port: bed.port)
                try await connection.send(call("input=50;output=900;chunks=900;delay-ms=20", stream: true))
                try await eventually { deltas(connection.text) >= 1 }
                try await connection.close()
                try await eventually { bed.admission.now.settled.count == 1 }
                #expect(bed.admission.now.settled.first?.outcome == .clientGone)
                try await eventually { bed.simulator.log().first?.outcome == .clientGone }
            }
        }
    }

    @Test func `F-C1: a plain call whose client leaves is finished and charged`() async throws {
        try await withGateway { bed in
            let connection = try await RawConnection(port: bed.port)
            try await connection.send(call("input=50;output=40;head-delay-ms=1000", stream: false))
            try await eventually { bed.simulator.log().count == 1 }
            #expect(bed.simulator.log().first?.outcome == .open, "the test was too slow to hang up in time")
            try await connection.close()
            try await eventually { bed.admission.now.settled.count == 1 }
            let event = try #require(bed.admission.now.settled.first)
            #expect(event.outcome == .clientGone)
            #expect(event.tokens == TokenUsage(input: 50, output: 40))
        }
    }

    @Test(arguments: [false, true])
    func `F-U2: a provider that cuts or hangs in mid-stream is charged what was observed`(hangs: Bool) async throws {
        let adjust: (inout GatewayConfiguration) -> Void = { if hangs { $0.deadlines.providerIdle = .seconds(1) } }
        try await withGateway(adjust: adjust) { bed in
            let connection = try await RawConnection(port: bed.port)
            try await connection.send(
                call("input=50;output=40;chunks=5;\(hangs ? "hang" : "reset")-after=3", stream: true))
            try await eventually { connection.isClosed && bed.admission.now.settled.count == 1 }
            #expect(connection.text.hasPrefix("HTTP/1.1 200"))
            #expect(!connection.text.hasSuffix("0\r\n\r\n"), "a cut answer must not look whole")
            let event = try #require(bed.admission.now.settled.first)
            #expect(event.outcome == (hangs ? .providerTimeout : .providerCut))
            #expect(event.tokens.input == 50 && event.tokens.output > 0)
            #expect(bed.admission.unbalanced == [])
            try FaultReport(
                "F-U2",
                invariant: "\(hangs ? "hang" : "cut") in mid-stream: the client sees it, observed usage charged, E1",
                bound: "50 input, output seen, 1 event",
                measured: "\(event.tokens.input) input, \(event.tokens.output) output, 1 event"
            ).report()
        }
    }

    @Test(arguments: [false, true])
    func `F-U2: a provider that fails before the first byte of its answer is answered for, and its input charged`(
        hangs: Bool
    ) async throws {
        let adjust: (inout GatewayConfiguration) -> Void = {
            if hangs { $0.deadlines.providerHead = .seconds(1) }
        }
        try await withGateway(adjust: adjust) { bed in
            let answer = try await bed.send(
                bed.request(simulate: hangs ? "head-delay-ms=60000" : "reset-after=0", stream: true))
            #expect(answer.status == (hangs ? .gatewayTimeout : .badGateway))
            #expect(answer.text.contains(hangs ? "provider_timeout" : "provider_unavailable"))
            let event = try #require(bed.admission.now.settled.first)
            #expect(event.outcome == (hangs ? .providerTimeout : .providerCut))
            #expect(event.tokens.input > 0 && event.tokens.output == 0 && event.cost.micros > 0)
            #expect(bed.admission.unbalanced == [])
            try FaultReport(
                "F-U2", invariant: "\(hangs ? "hang" : "reset") after the request was sent: input charged, C1 E1",
                bound: "\(hangs ? 504 : 502), 1 event",
                measured: "\(answer.status.code), \(event.tokens.input) input tokens, 1 event"
            ).report()
        }
    }

    @Test func `F-U1: a provider that cannot be reached costs nothing`() async throws {
        let port = try freePort()
        try await withGateway(adjust: { $0.anthropic.url = "http://127.0.0.1:\(port)" }) { bed in
            let answer = try await bed.send(bed.request())
            #expect(answer.status == .badGateway)
            #expect(bed.admission.now.released.count == 1)
            #expect(bed.admission.now.settled.isEmpty)
            try FaultReport(
                "F-U1", invariant: "the provider refuses: everything given back, E2 C1", bound: "502, 0 events",
                measured: "\(answer.status.code), \(bed.admission.now.settled.count) events, 1 release"
            ).report()
        }
    }

    @Test(arguments: ["none", "zero", "twice", "decreasing", "negative", "huge"], [false, true])
    func `F-U3: odd usage ends in one settlement that a provider could have meant`(usage: String, stream: Bool)
        async throws
    {
        try await withGateway { bed in
            let answer = try await bed.send(
                bed.request(simulate: "input=50;output=40;usage=\(usage)", stream: stream))
            #expect(answer.status == .ok)
            let event = try #require(bed.admission.now.settled.first)
            switch usage {
            case "zero": #expect(event.cost == .zero)
            case "twice", "decreasing": #expect(event.tokens == TokenUsage(input: 50, output: 40))
            default:
                #expect(event.extra["estimated"] != nil)
                #expect((1...1000).contains(event.tokens.output))
            }
            #expect(bed.admission.unbalanced == [])
            try FaultReport(
                "F-U3", invariant: "usage \(usage): one settlement within reason, E1",
                bound: usage == "zero"
                    ? "0 tokens" : ["twice", "decreasing"].contains(usage) ? "90 tokens" : "estimated",
                measured: "\(event.tokens.total) tokens\(event.extra["estimated"].map { " (\($0))" } ?? "")"
            ).report()
        }
    }

    @Test func `a call that lives on renews its lease with what was observed`() async throws {
        try await withGateway(TestBed.admission(renewalInterval: .milliseconds(30))) { bed in
            let answer = try await bed.send(
                bed.request(simulate: "input=50;output=40;chunks=20;delay-ms=20", stream: true))
            #expect(answer.status == .ok)
            let renewed = bed.admission.now.renewed
            #expect(renewed.count >= 2)
            #expect(renewed.last?.tokens.input == 50)
            #expect(zip(renewed, renewed.dropFirst()).allSatisfy { $0.tokens.output <= $1.tokens.output })
        }
    }

    @Test func `F-G3: a stop lets running calls end, refuses new ones, and charges what it cuts`() async throws {
        try await withGateway { bed in
            let short = try await RawConnection(port: bed.port)
            try await short.send(call("input=5;output=4;chunks=4;delay-ms=50", stream: true))
            let long = try await RawConnection(port: bed.port)
            try await long.send(call("input=5;output=900;chunks=900;delay-ms=50", stream: true))
            let idle = try await RawConnection(port: bed.port)
            try await eventually { deltas(short.text) >= 1 && deltas(long.text) >= 1 }
            let unsettled = await bed.gateway.stop(deadline: .now + .milliseconds(800))
            #expect(unsettled == 0)
            try await eventually { short.isClosed && long.isClosed && idle.isClosed }
            #expect(short.text.hasSuffix("0\r\n\r\n"))
            #expect(!long.text.hasSuffix("0\r\n\r\n"))
            #expect(Set(bed.admission.now.settled.map(\.outcome)) == [.completed, .nodeStopped])
            #expect(bed.admission.unbalanced == [])
            await #expect(throws: (any Error).self) { try await RawConnection(port: bed.port) }
        }
    }

    @Test func `F-G6: a client that does not read holds back the provider, not the memory`() async throws {
        try await withGateway { bed in
            let connection = try await RawConnection(port: bed.port, reads: false)
            // About 80 MB of answer; the kernel alone may hold 40 of them on the way.
            try await connection.send(
                call("input=5;output=60000000;chunks=100000", stream: true, maxTokens: 60_000_000))
            try await eventually { bed.simulator.log().count == 1 }
            // It comes to rest: what is under way is in sockets and in the node's bounded buffer.
            var last = -1
            try await eventually("the provider is held back", within: .seconds(20)) {
                try await Task.sleep(for: .milliseconds(200))
                let now = bed.simulator.log().first?.usage.output ?? 0
                defer { last = now }
                return now == last
            }
            #expect(last < 45_000_000)
            #expect(bed.simulator.log().first?.outcome == .open)
            try await connection.close()
            try await eventually { bed.admission.now.settled.count == 1 }
            try FaultReport(
                "F-G6", invariant: "a client that does not read holds the provider back, M1",
                bound: "45 MB under way of 80", measured: "\(last / 1_000_000) MB, in the kernel's buffers"
            ).report()
        }
    }

    @Test func `a client that reads too slowly is cut, and its call charged`() async throws {
        let adjust: (inout GatewayConfiguration) -> Void = {
            $0.deadlines.writeProgress = .milliseconds(100)
            $0.drain.atOnce = 0
        }
        try await withGateway(adjust: adjust) { bed in
            let connection = try await RawConnection(port: bed.port, reads: false)
            try await connection.send(
                call("input=5;output=60000000;chunks=100000", stream: true, maxTokens: 60_000_000))
            try await eventually { bed.admission.now.settled.count == 1 }
            #expect(bed.admission.now.settled.first?.outcome == .clientGone)
            try await connection.close()
        }
    }
}
