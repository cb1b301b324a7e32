import Foundation
import NIOHTTP1
import Testing
import WeirCore
import WeirLedger
import WeirTestSupport

@testable import WeirAdmin

@Suite struct WorkTests {
    @Test func `work is shown under its id while it runs, and never under another's`() async throws {
        let board = WorkBoard()
        await board.showing("a") { progress in
            #expect(board.place(of: "a") == .init(done: 0, total: 0))
            progress(3, 9)
            #expect(board.place(of: "a") == .init(done: 3, total: 9))
            await board.showing("a") { progress in progress(7, 7) }
            await board.showing(nil) { progress in progress(8, 8) }
            #expect(board.place(of: "a") == .init(done: 3, total: 9))
        }
        #expect(board.place(of: "a") == nil)
        struct Wrong: Error {}
        await #expect(throws: Wrong.self) { try await board.showing("b") { _ in throw Wrong() } }
        #expect(board.place(of: "b") == nil)
    }

    /// Asks for the place of a request again and again while it runs.
    private func seen(_ admin: AdminFixture, _ id: String, while request: () async throws -> AdminFixture.Answer)
        async throws -> [WorkDescription]
    {
        let asking = Task {
            var places: [WorkDescription] = []
            while !Task.isCancelled {
                // Cut off when the request that it asks about has ended.
                guard let answer = try? await admin.send(.GET, "/admin/v1/work/\(id)") else { break }
                if answer.status == 200 { places.append(try answer.decoded(WorkDescription.self)) }
            }
            return places
        }
        let answer = try await request()
        asking.cancel()
        #expect(answer.status == 200, "\(answer.body)")
        return try await asking.value
    }

    @Test func `whoever asks how far a long request is, is told days of days and calls of calls`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            let now = Int(Date().timeIntervalSince1970 * 1000)
            for start in stride(from: 0, to: 5_000, by: 1_000) {
                let events = (start..<start + 1_000).map { number in
                    UsageEvent(
                        id: "e\(number)", calledAtMs: now - number % 20 * UTCDay.lengthMs, team: "acme",
                        product: "slack_app", billable: true, callClass: "ai", endpoint: "messages",
                        provider: "anthropic", requestedModel: "claude-haiku-4", model: "claude-haiku-4",
                        cost: MicroUSD(micros: 1), priceVersion: "v1")
                }
                _ = try await admin.ledger.ingest(events, deadLetters: [])
            }
            let first = UTCDay(number: UTCDay(containingMs: now).number - 19)
            let days = #""from":"\#(first.id)","to":"\#(UTCDay(containingMs: now).id)""#
            let requests: [(name: String, total: Int, send: (String) async throws -> AdminFixture.Answer)] = [
                ("verify", 20, { try await admin.send(.GET, "/admin/v1/ledger/verify?work=\($0)") }),
                ("rebuild", 20, { try await admin.send(.POST, "/admin/v1/ledger/rebuild?work=\($0)", "{}") }),
                ("reprice", 20, { try await admin.send(.POST, "/admin/v1/ledger/reprice?work=\($0)", "{\(days)}") }),
                (
                    "simulate", 5_000,
                    {
                        try await admin.send(
                            .POST, "/admin/v1/simulate?days=20&work=\($0)", policyText, type: "application/yaml")
                    }
                ),
            ]
            for (name, total, send) in requests {
                // One that is over before it is seen is made once more.
                try await eventually("the progress of \(name) is seen") {
                    let places = try await seen(admin, name) { try await send(name) }
                    #expect(places.allSatisfy { $0.done <= $0.total && [0, total].contains($0.total) })
                    return places.contains { $0.total == total && $0.done > 0 && $0.done < total }
                }
                #expect(try await admin.send(.GET, "/admin/v1/work/\(name)").status == 404)
            }
            #expect(try await admin.send(.GET, "/admin/v1/ledger/verify?work=a%20b").status == 422)
        }
    }
}
