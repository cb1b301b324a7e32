import AsyncHTTPClient
import Foundation
import WeirTestSupport
import NIOCore
import NIOHTTP1

/// One call of a client.
struct CallRequest: Sendable {
    enum API: CaseIterable, Sendable { case messages, countTokens, chat, responses, embeddings, gemini, geminiArray }
    /// The header that carries the API key.
    enum KeyForm: CaseIterable, Sendable { case apiKey, bearer, google, query }

    var api = API.messages
    var keyForm = KeyForm.apiKey
    var product: String?
    var model: String?
    var isStream = false
    var maxTokens = 1000
    /// What the simulator is to make of it.
    var simulate = "input=100;output=20"

    func request(gateway: String, key: String) -> HTTPClientRequest {
        let path =
            switch api {
            case .messages: "/v1/messages"
            case .countTokens: "/v1/messages/count_tokens"
            case .chat: "/v1/chat/completions"
            case .responses: "/v1/responses"
            case .embeddings: "/v1/embeddings"
            case .gemini, .geminiArray:
                "/v1beta/models/\(model ?? "gemini-2.5-pro"):"
                    + (isStream ? "streamGenerateContent" : "generateContent")
                    + (isStream && api == .gemini ? "?alt=sse" : "")
            }
        var url = gateway + (product.map { "/" + $0 } ?? "") + path
        if keyForm == .query { url += (path.contains("?") ? "&key=" : "?key=") + key }
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers = ["content-type": "application/json", "x-simulate": simulate]
        switch keyForm {
        case .apiKey: request.headers.add(name: "x-api-key", value: key)
        case .bearer: request.headers.add(name: "authorization", value: "Bearer \(key)")
        case .google: request.headers.add(name: "x-goog-api-key", value: key)
        case .query: break
        }
        if api == .messages || api == .countTokens {
            request.headers.add(name: "anthropic-version", value: "2023-06-01")
        }
        request.body = .bytes(ByteBuffer(string: body))
        return request
    }

    var body: String {
        let hello = #"[{"role":"user","content":"Tell me about weirs."}]"#
        switch api {
        case .messages:
            return
                #"{"model":"\#(model ?? "claude-sonnet-4")","max_tokens":\#(maxTokens),"stream":\#(isStream),"messages":\#(hello)}"#
        case .countTokens: return #"{"model":"\#(model ?? "claude-sonnet-4")","messages":\#(hello)}"#
        case .chat:
            return
                #"{"model":"\#(model ?? "gpt-4o")","max_tokens":\#(maxTokens),"stream":\#(isStream),"messages":\#(hello)}"#
        case .responses:
            return
                #"{"model":"\#(model ?? "gpt-4o")","max_output_tokens":\#(maxTokens),"stream":\#(isStream),"input":"Hello"}"#
        case .embeddings: return #"{"model":"\#(model ?? "text-embedding-3-small")","input":["a","b"]}"#
        case .gemini, .geminiArray:
            return
                #"{"contents":[{"parts":[{"text":"Hello"}]}],"generationConfig":{"maxOutputTokens":\#(maxTokens)}}"#
        }
    }
}

/// What the client was answered.
struct CallAnswer: Sendable {
    /// The `weir` object of a denial.
    struct Denied: Decodable, Sendable {
        let reason: String
        let limit: String?
        let resets_at: String?
        let retry_after: Int?
    }

    private struct DeniedBody: Decodable {
        struct Content: Decodable { let message: String }
        let weir: Denied
        let error: Content
    }

    let status: Int
    let headers: HTTPHeaders
    let body: Data

    /// `weir-request-id`: every answer of a gateway has it.
    var request: String { headers.first(name: "weir-request-id") ?? "" }
    var denied: Denied? { try? JSONDecoder().decode(DeniedBody.self, from: body).weir }
    var message: String? { try? JSONDecoder().decode(DeniedBody.self, from: body).error.message }
    var retryAfter: Int? { headers.first(name: "retry-after").flatMap { Int($0) } }
}

extension Stack {
    /// Never shut down: it lives as long as the tests. Enough connections for every test's calls at once.
    static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 400
        // Connections of a gateway that was killed are no use.
        configuration.connectionPool.idleTimeout = .seconds(1)
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// Makes a call and reads its answer.
    /// - Parameter gateway: 0 or 1; nil: any.
    func call(_ person: Person, _ call: CallRequest = CallRequest(), gateway: Int? = nil) async throws -> CallAnswer {
        let url = gateways[gateway ?? Int.random(in: 0..<gateways.count)]
        let response = try await Self.http.execute(
            call.request(gateway: url, key: person.key), timeout: .seconds(120))
        let body = try await response.body.collect(upTo: 16 << 20)
        return CallAnswer(
            status: Int(response.status.code), headers: response.headers, body: Data(body.readableBytesView))
    }

    /// Makes a call and returns when the head of its answer is there.
    func open(_ person: Person, _ call: CallRequest, gateway: Int) async throws -> OpenCall {
        let response = try await Self.http.execute(
            call.request(gateway: gateways[gateway], key: person.key), timeout: .seconds(120))
        return OpenCall(response: response)
    }
}

/// A call whose answer has begun. Dropping it hangs up.
struct OpenCall: Sendable {
    fileprivate let response: HTTPClientResponse

    var status: Int { Int(response.status.code) }
    var request: String { response.headers.first(name: "weir-request-id") ?? "" }

    /// The rest of the answer. Throws if it is cut.
    func rest() async throws -> String { String(buffer: try await response.body.collect(upTo: 16 << 20)) }

    /// Reads until `mark` has come, then hangs up.
    func hangUp(after mark: String) async throws {
        var text = ""
        for try await piece in response.body {
            text += String(buffer: piece)
            if text.contains(mark) { return }
        }
        throw Program.Problem(description: "the answer ended before \(mark): \(text)")
    }
}

extension Stack {
    /// Status and body of a page.
    static func get(_ url: String) async throws -> (status: Int, body: Data) {
        let response = try await http.execute(HTTPClientRequest(url: url), timeout: .seconds(30))
        let body = try await response.body.collect(upTo: 1 << 20)
        return (Int(response.status.code), Data(body.readableBytesView))
    }
}
