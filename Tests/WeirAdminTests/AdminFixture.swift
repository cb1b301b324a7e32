import AsyncHTTPClient
import Crypto
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import WeirAdmin
import WeirCore
import WeirLedger
import WeirProviders
import WeirRedis
import WeirTestSupport

let token = "a-token-of-the-tests-1234"

/// A running admin API over a private Redis and a new SQLite ledger.
struct AdminFixture: Sendable {
    let url: String
    let ledger: any AdminLedger
    let redis: RedisServer

    struct Answer: Sendable {
        let status: Int
        let body: String
        let headers: HTTPHeaders

        func decoded<Message: Decodable>(_: Message.Type) throws -> Message {
            try JSONDecoder().decode(Message.self, from: Data(body.utf8))
        }

        /// The `code` and `message` of an error.
        var error: (code: String, message: String, hint: String)? {
            guard let object = try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any],
                let error = object["error"] as? [String: Any]
            else { return nil }
            return (
                error["code"] as? String ?? "", error["message"] as? String ?? "", error["hint"] as? String ?? ""
            )
        }
    }

    func send(
        _ method: HTTPMethod, _ path: String, _ body: String? = nil, type: String = "application/json",
        token: String? = token, headers: [(String, String)] = []
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: url + path)
        request.method = method
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        if let body {
            request.headers.add(name: "content-type", value: type)
            request.body = .bytes(ByteBuffer(string: body))
        }
        for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        return Answer(
            status: Int(response.status.code), body: String(buffer: try await response.body.collect(upTo: 1 << 24)),
            headers: response.headers)
    }

    /// Applies a policy with the products `slack_app` (alias `slack-bot`) and `search`, and the resource `ai_credits`.
    func applyPolicy(_ text: String = policyText) async throws {
        let answer = try await send(.PUT, "/admin/v1/policy", text, type: "application/yaml")
        guard answer.status == 200 else { throw Problem(text: answer.body) }
    }

    /// As the ledger keeps it.
    func digest(of token: String) -> String {
        SHA256.hash(data: Data(token.utf8)).map { String(format: "%02x", $0) }.joined()
    }

    /// Calls of today, `call0`, `call1`, …, by turns of acme and globex, costing 1, 2, … micro-dollars.
    func ingestCalls(_ count: Int) async throws {
        let startMs = UTCDay(containingMs: Int(Date().timeIntervalSince1970 * 1000)).startMs
        let events = (0..<count).map { index in
            UsageEvent(
                id: "call\(index)", calledAtMs: startMs, team: index % 2 == 0 ? "acme" : "globex",
                user: index % 2 == 0 && index % 4 != 0 ? "bob" : "alice", product: "slack_app", billable: true,
                callClass: "ai", endpoint: "messages", provider: "anthropic", requestedModel: "auto",
                model: "claude-haiku-4", cost: MicroUSD(micros: index + 1), priceVersion: "1")
        }
        _ = try await ledger.ingest(events, deadLetters: [])
    }

    struct Problem: Error { let text: String }

    /// What redis-cli would show.
    func redisText(_ command: [RedisArgument]) async throws -> String {
        func text(_ value: RedisValue) -> String {
            switch value {
            case .null: "nil"
            case .integer(let number): String(number)
            case .status(let text), .error(let text): text
            case .bulk(let bytes): String(buffer: bytes)
            case .array(let values): values.map(text).joined(separator: " ")
            }
        }
        return text(try await redis.send(command))
    }
}

/// One model, `claude-haiku-4`, 1 and 5 dollars.
func shippedPrices() throws -> PriceHistory {
    try PriceHistory(
        version: "v1",
        models: [
            ModelPrice(
                provider: "anthropic", model: "claude-haiku-4",
                price: Price(
                    base: .init(
                        input: 1_000_000, cacheRead: 100_000, cacheWrite5m: 1_250_000, cacheWrite1h: 2_000_000,
                        output: 5_000_000)),
                contextWindow: 200_000, maxOutputTokens: 64_000, source: "https://example.com")
        ])
}

let policyText = """
    products:
      slack_app: { class: ai, billable: true, resource: ai_credits, aliases: [slack-bot] }
      search: { class: lookup }
    classes: { ai: {}, lookup: { kill_switch: false } }
    limits:
      - { id: ai-calls, per: user, class: ai, unit: requests, window: 60s, amount: 5 }
    """

/// - Parameter prices: nil: a single model's, ``shippedPrices()``.
func withAdmin(
    prices: PriceHistory? = nil, adjust: (inout AdminConfiguration) throws -> Void = { _ in },
    _ body: (AdminFixture) async throws -> Void
) async throws {
    var configuration = AdminConfiguration(host: "127.0.0.1", port: 0, token: token)
    try adjust(&configuration)
    let configured = configuration
    try await withRedis { server in
        try await withTemporaryDirectory { directory in
            let ledger = try LedgerURL("sqlite:\(directory)/weir.db").open()
            var redisConfiguration = try RedisConfiguration(url: server.url)
            redisConfiguration.connectTimeout = .seconds(10)
            let pool = RedisPool(
                configuration: redisConfiguration, group: MultiThreadedEventLoopGroup.singleton, logger: .silent)
            pool.start()
            try await pool.waitUntilReady(timeout: .seconds(20))
            let admin = try await AdminServer(
                configuration: configured, ledger: ledger, redis: pool, prices: try prices ?? shippedPrices(),
                group: MultiThreadedEventLoopGroup.singleton,
                logger: .silent, nowMs: { Int(Date().timeIntervalSince1970 * 1000) })
            let port = Mutex(0)
            let running = Task { try await admin.run { number in port.withLock { $0 = number } } }
            do {
                try await eventually("the API listens") { port.withLock { $0 } != 0 }
                let number = port.withLock { $0 }
                try await body(AdminFixture(url: "http://127.0.0.1:\(number)", ledger: ledger, redis: server))
            } catch {
                running.cancel()
                _ = await running.result
                await pool.close()
                throw error
            }
            running.cancel()
            _ = await running.result
            await pool.close()
            try await ledger.close()
        }
    }
}

/// Waits until a request is answered with 200.
func eventuallyOK(_ status: () async throws -> Int) async throws {
    try await eventually("the request succeeds") { try await status() == 200 }
}
