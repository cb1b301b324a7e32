import AsyncHTTPClient
import FoundationEssentials
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import WeirCore
import WeirEnforcer
import WeirProviders
import WeirSimulator
import WeirTelemetry
import WeirTestSupport

@testable import WeirGateway

/// A gateway before a simulator, with an engine that records.
struct TestBed: Sendable {
    let gateway: Gateway
    let simulator: Simulator
    let admission: RecordedAdmission
    /// `http://127.0.0.1:…`
    let url: String
    let port: Int
    let operations: String
    let client: HTTPClient

    static let key = "weir-test-client-key-canary"
    static let openAIModel = "gpt-4.1-mini-2025-04-14"
    static let providerKey = "provider-key-canary"

    static var policy: Policy {
        Policy(
            products: [
                "default": .init(callClass: "ai", billable: true, resource: "ai_credits"),
                "slack_app": .init(callClass: "ai", billable: true, resource: "ai_credits", aliases: ["slack-bot"]),
            ], classes: ["ai": .init(killSwitch: true)], limits: [])
    }

    static func record(products: [String] = [], models: [String] = []) -> APIKeyRecord {
        APIKeyRecord(id: "k1", team: "acme", user: "alice", products: products, models: models)
    }

    static func admission(
        record: APIKeyRecord = record(), policy: Policy = policy, renewalInterval: Duration = .seconds(10),
        serving: Int = 0, bound: Reservation.Bound? = nil,
        decide: @escaping @Sendable (Call) throws(EnforcerError) -> Denial? = { _ in nil }
    ) -> RecordedAdmission {
        RecordedAdmission(
            records: [Credential.hexSHA256(key[...]): record], policy: policy, renewalInterval: renewalInterval,
            serving: serving, bound: bound, decide: decide)
    }

    /// A call with the test's key; `simulate` is the simulator's instruction.
    func request(
        _ path: String = "/v1/messages", simulate: String? = nil, stream: Bool = false, model: String? = nil,
        headers: HTTPHeaders = [:], maxTokens: Int = 100
    ) throws -> HTTPClient.Request {
        var all: HTTPHeaders = ["authorization": "Bearer " + Self.key, "content-type": "application/json"]
        if path.hasSuffix("messages") { all.add(name: "anthropic-version", value: "2023-06-01") }
        if let simulate { all.add(name: "x-simulate", value: simulate) }
        for (name, value) in headers { all.replaceOrAdd(name: name, value: value) }
        let isAnthropic = path.contains("/messages")
        let model = model ?? (isAnthropic ? "claude-sonnet-4-5-20250929" : Self.openAIModel)
        let content = path.hasSuffix("responses") ? "input" : "messages"
        let bound = path.hasSuffix("responses") ? "max_output_tokens" : "max_tokens"
        let body =
            #"{"model":"\#(model)","\#(bound)":\#(maxTokens),"stream":\#(stream),"#
            + #""\#(content)":[{"role":"user","content":"hello"}]}"#
        return try HTTPClient.Request(url: url + path, method: .POST, headers: all, body: .string(body))
    }

    /// The same request straight to the simulator.
    func direct(_ request: HTTPClient.Request) throws -> HTTPClient.Request {
        try HTTPClient.Request(
            url: simulator.url + String(request.url.absoluteString.dropFirst(url.count)), method: request.method,
            headers: request.headers, body: request.body)
    }

    func send(_ request: HTTPClient.Request) async throws -> HTTPClient.Response {
        try await client.execute(request: request).get()
    }
}

extension HTTPClient.Response {
    var text: String { body.map { String(buffer: $0) } ?? "" }
}

nonisolated(nonsending) func withGateway<Result>(
    _ admission: RecordedAdmission = TestBed.admission(), engine: (any Admission)? = nil,
    group outer: MultiThreadedEventLoopGroup? = nil, logger: Logger = .silent,
    tracer: OTLPTracer? = nil, adjust: (inout GatewayConfiguration) -> Void = { _ in },
    _ body: (TestBed) async throws -> Result
) async throws -> Result {
    let group = outer ?? MultiThreadedEventLoopGroup(numberOfThreads: 2)
    let simulator = Simulator(configuration: SimulatorConfiguration(), logger: .silent)
    try await simulator.start()
    let provider = GatewayConfiguration.Provider(url: simulator.url, key: Secret(TestBed.providerKey))
    var configuration = GatewayConfiguration(
        listen: .init(host: "127.0.0.1", port: 0), operations: .init(host: "127.0.0.1", port: 0), anthropic: provider,
        openAI: provider, gemini: provider)
    configuration.deadlines.check = .milliseconds(10)
    adjust(&configuration)
    let gateway = try Gateway(
        configuration: configuration, enforcer: engine ?? admission, group: group, logger: logger, tracer: tracer)
    let addresses = try await gateway.start()
    let port = addresses.listen.port ?? 0
    let client = HTTPClient(eventLoopGroupProvider: .shared(group))
    let bed = TestBed(
        gateway: gateway, simulator: simulator, admission: admission, url: "http://127.0.0.1:\(port)", port: port,
        operations: "http://127.0.0.1:\(addresses.operations?.port ?? 0)", client: client)
    let result: Swift.Result<Result, any Error>
    do { result = .success(try await body(bed)) } catch { result = .failure(error) }
    try await client.shutdown()
    _ = await gateway.stop(deadline: .now + .milliseconds(500))
    try await simulator.stop()
    if outer == nil { try await group.shutdownGracefully() }
    return try result.get()
}

/// The shipped prices, decoded once.
let testPrices = Result { try PriceTable.shipped() }
