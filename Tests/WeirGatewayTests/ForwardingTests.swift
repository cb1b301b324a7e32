import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Testing
import WeirCore
import WeirSimulator
import WeirTestSupport

@testable import WeirGateway

@Suite struct ForwardingTests {
    @Test(arguments: ["/v1/messages", "/v1/chat/completions", "/slack_app/v1/messages"], [false, true])
    func `an answer passes byte by byte`(path: String, stream: Bool) async throws {
        try await withGateway { bed in
            let request = try bed.request(path, simulate: "input=10;output=30;chunks=5", stream: stream)
            let through = try await bed.send(request)
            #expect(through.status == .ok)
            #expect(bed.admission.unbalanced == [])
            #expect(bed.admission.now.settled.count == 1)
            #expect(bed.admission.now.settled.first?.outcome == .completed)
            let log = try #require(bed.simulator.log().first)
            #expect(log.key == TestBed.providerKey)
            #expect(log.outcome == .completed)
        }
    }
}
