import AsyncHTTPClient
import NIOCore
import Testing

@testable import WeirSimulator

@Suite struct CutAnswerTests {
    /// Reads a stream until `stop` says so of the text read, then hangs up.
    private func hangUp(_ simulator: Simulator, _ simulate: String, when stop: (String) -> Bool) async throws {
        let response = try await HTTPClient.shared.execute(
            simulator.request("/v1/messages", Request.messagesStream, simulate: simulate), timeout: .seconds(20))
        var text = ""
        for try await part in response.body {
            text += String(buffer: part)
            if stop(text) { break }
        }
    }

    private func deltas(_ text: String) -> Int { text.ranges(of: "event: content_block_delta").count }

    @Test func `a client that hangs up before the head pays for its input`() async throws {
        try await withSimulator { simulator in
            let request = simulator.request("/v1/messages", Request.messages, simulate: "input=9;head-delay-ms=60000")
            let call = Task { try await HTTPClient.shared.execute(request, timeout: .seconds(30)) }
            while simulator.log().isEmpty { try await Task.sleep(for: .milliseconds(2)) }
            call.cancel()
            _ = await call.result
            let seen = try await simulator.lastCall()
            #expect(seen.outcome == .clientGone && seen.usage == SimulatedUsage(freshInput: 9) && seen.status == 0)
        }
    }

    @Test func `a client that hangs up in a stream pays for the output made until then`() async throws {
        try await withSimulator { simulator in
            try await hangUp(simulator, "input=100;output=50;chunks=5;delay-ms=60000") { self.deltas($0) == 1 }
            let first = try await simulator.lastCall()
            #expect(first.outcome == .clientGone && first.isStream && first.status == 200)
            #expect(first.usage == SimulatedUsage(freshInput: 100, output: 10))

            // More chunks may be made before the hang-up is noticed; seconds pass before all of them are.
            try await hangUp(simulator, "input=100;output=200;chunks=20;delay-ms=300") { self.deltas($0) == 3 }
            let later = try await simulator.lastCall()
            #expect(later.outcome == .clientGone && later.usage.freshInput == 100)
            #expect((30..<200).contains(later.usage.output))
        }
    }

    @Test func `an answer that hangs sends so many chunks and nothing more, and stays hung`() async throws {
        try await withSimulator { simulator in
            let response = try await HTTPClient.shared.execute(
                simulator.request(
                    "/v1/messages", Request.messagesStream, simulate: "input=100;output=50;chunks=5;hang-after=3"),
                timeout: .seconds(20))
            var text = ""
            for try await part in response.body {
                text += String(buffer: part)
                if deltas(text) == 3, simulator.log().last?.outcome == .hung { break }
            }
            #expect(deltas(text) == 3 && !text.contains("content_block_stop"))
            let call = try await simulator.lastCall()
            #expect(call.outcome == .hung && call.usage == SimulatedUsage(freshInput: 100, output: 30))
        }
        // Stopping has hung up on the client, which changes nothing.
    }

    @Test func `an answer that hangs before its head costs nothing`() async throws {
        try await withSimulator { simulator in
            let request = simulator.request("/v1/chat/completions", Request.chat, simulate: "hang-after=0")
            let call = Task { try await HTTPClient.shared.execute(request, timeout: .seconds(30)) }
            let seen = try await simulator.lastCall()
            call.cancel()
            guard case .failure = await call.result else {
                Issue.record("a hung call was answered")
                return
            }
            #expect(seen.outcome == .hung && seen.usage == SimulatedUsage() && seen.status == 0)
        }
    }

    @Test(arguments: [0, 2, 5])
    func `a reset comes after so many chunks and breaks the connection`(after chunks: Int) async throws {
        try await withSimulator { simulator in
            var text = ""
            await #expect(throws: (any Error).self) {
                let response = try await HTTPClient.shared.execute(
                    simulator.request(
                        "/v1/messages", Request.messagesStream,
                        simulate: "input=100;output=50;chunks=5;reset-after=\(chunks)"), timeout: .seconds(20))
                for try await part in response.body { text += String(buffer: part) }
            }
            #expect(deltas(text) == chunks && !text.contains("message_stop"))
            let call = try await simulator.lastCall()
            #expect(call.outcome == .reset)
            #expect(
                call.usage == (chunks == 0 ? SimulatedUsage() : SimulatedUsage(freshInput: 100, output: chunks * 10)))
        }
    }

    @Test func `a plain answer can be cut in half`() async throws {
        try await withSimulator { simulator in
            await #expect(throws: (any Error).self) {
                _ = try await simulator.send("/v1/messages", Request.messages, simulate: "input=3;reset-after=1")
            }
            let call = try await simulator.lastCall()
            #expect(call.outcome == .reset && call.usage == SimulatedUsage(freshInput: 3, output: 20))
        }
    }

    @Test func `a stream of many megabytes waits for a client that reads slowly`() async throws {
        try await withSimulator { simulator in
            let body = Request.messagesStream.replacing("1000", with: "1000000")
            let response = try await HTTPClient.shared.execute(
                simulator.request("/v1/messages", body, simulate: "output=262144;chunks=100000"), timeout: .seconds(60))
            var iterator = response.body.makeAsyncIterator()
            _ = try await iterator.next()
            // Nobody reads now: the simulator must run full, with most of the answer still to be made.
            var made = -1
            while case let now = simulator.log()[0].usage.output, now != made || now == 0 {
                made = now
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(made < 262_144)
            var events = ""
            while let part = try await iterator.next() { events = String(String(buffer: part).suffix(200)) }
            #expect(events.hasSuffix("data: {\"type\":\"message_stop\"}\n\n"))
            #expect(try await simulator.lastCall().usage.output == 262_144)
        }
    }

    @Test(arguments: [0, 2])
    func `a stream can end too early in good order, or in an error`(after chunks: Int) async throws {
        try await withSimulator { simulator in
            let cost = SimulatedUsage(freshInput: 100, output: chunks * 10)
            let simulate = "input=100;output=50;chunks=5;"
            let cut = try await simulator.send(
                "/v1/chat/completions", Request.chatStream, simulate: simulate + "end-after=\(chunks)")
            #expect(cut.status == 200 && !cut.text.contains("[DONE]"))
            #expect(try cut.events.count == 1 + chunks)
            let first = try await simulator.lastCall()
            #expect(first.outcome == .cut && first.usage == cost)

            let failed = try await simulator.send(
                "/v1/messages", Request.messagesStream, simulate: simulate + "error-after=\(chunks)")
            let last = try #require(try failed.events.last)
            #expect(last.name == "error" && deltas(failed.text) == chunks)
            #expect(try last.data.at("error.type") == "overloaded_error")
            let second = try await simulator.lastCall()
            #expect(second.outcome == .error && second.usage == cost && second.status == 200)

            let plain = try await simulator.send("/v1/messages", Request.messages, simulate: "end-after=1")
            #expect(plain.status == 400)
        }
    }

    @Test(arguments: [1, 2, 7, 65_536])
    func `events sent in pieces are the same bytes`(split: Int) async throws {
        try await withSimulator { simulator in
            // Each answer names its call.
            let whole = try await simulator.send("/v1/messages", Request.messagesStream).text
            let pieces = try await simulator.send("/v1/messages", Request.messagesStream, simulate: "split=\(split)")
                .text
            #expect(pieces.replacing("sim0000000000000002", with: "sim0000000000000001") == whole)
        }
    }
}
