import AsyncHTTPClient
import NIOHTTP1
import Testing
import WeirCore
import WeirSimulator

@testable import WeirGateway

/// A head that is read once for the calls of a connection stands for no other head.
@Suite struct ReadHeadTests {
    private static let fields: [(String, String)] = [
        ("x-api-key", "k1"), ("content-length", "12"), ("weir-role", "planner"), ("x-a", "caf\u{e9}"),
    ]

    private static func head(
        _ fields: [(String, String)] = fields, method: HTTPMethod = .POST, target: String = "/v1/messages"
    ) -> HTTPRequestHead {
        HTTPRequestHead(version: .http1_1, method: method, uri: target, headers: HTTPHeaders(fields))
    }

    @Test func `it says what the head says`() throws {
        let read = try ReadHead(Self.head())
        #expect(read.route == (try Route(Self.head())))
        #expect(read.credential == Credential(["x-api-key": "k1"]))
        #expect(try read.labels.get().role == "planner")
        #expect(read.forwarded == HeaderFilter.towardsProvider(HTTPHeaders(Self.fields)))
        #expect(throws: CallLabels.Problem.self) { try ReadHead(Self.head([("weir-role", " ")])).labels.get() }
        #expect(throws: Route.Problem.self) { try ReadHead(Self.head(target: "/nothing")) }
    }

    @Test func `it stands for the same head, whatever the body's length`() throws {
        var other = Self.fields
        other[1].1 = "345"
        let read = try ReadHead(Self.head())
        #expect(read.isOf(Self.head()))
        #expect(read.isOf(Self.head(other)))
    }

    @Test func `it stands for no head that differs in anything else`() throws {
        var others: [HTTPRequestHead] = [
            Self.head(method: .GET), Self.head(target: "/v1/messages?x=1"), Self.head(Self.fields.reversed()),
            Self.head(Self.fields + [("x-b", "1")]), Self.head(Array(Self.fields.dropLast())), Self.head([]),
        ]
        for place in Self.fields.indices {
            for change in [("x", ""), ("", "x")] where !(place == 1 && change.0.isEmpty) {
                var fields = Self.fields
                fields[place].0 += change.0
                fields[place].1 += change.1
                others.append(Self.head(fields))
            }
        }
        // The same to Swift, not to whoever reads bytes.
        others.append(Self.head(Self.fields.dropLast() + [("x-a", "cafe\u{301}")]))
        let read = try ReadHead(Self.head())
        for other in others { #expect(!read.isOf(other), "\(other)") }
    }

    @Test func `a large head is not kept`() throws {
        #expect(try ReadHead(Self.head()).isSmall)
        let large = Self.fields + [("x-large", String(repeating: "x", count: 4 << 10))]
        #expect(try !ReadHead(Self.head(large)).isSmall)
    }

    @Test func `calls of one connection are each made by their own key and labels`() async throws {
        try await withGateway { bed in
            for round in 1...2 {
                for role in ["planner", "writer", nil] {
                    let labels: HTTPHeaders = role.map { ["weir-role": $0] } ?? [:]
                    #expect(try await bed.send(bed.request(headers: labels)).status == .ok)
                    #expect(bed.admission.now.settled.last?.role == role, "round \(round)")
                }
                var stranger = try bed.request()
                stranger.headers.replaceOrAdd(name: "authorization", value: "Bearer another-key")
                #expect(try await bed.send(stranger).status == .unauthorized)
            }
            #expect(bed.simulator.log().count == 6)
            #expect(bed.admission.unbalanced == [])
        }
    }
}
