import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import WeirAdmin

/// Speaks to the admin API.
struct AdminClient: Sendable {
    let url: String
    let token: String?
    private let http: HTTPClient

    enum Method: String { case get = "GET", post = "POST", put = "PUT", delete = "DELETE" }

    /// More than any answer needs.
    private static let largestAnswerBytes = 64 << 20

    /// Runs `body` with a client and ends its connections afterwards.
    static func with<Result>(url: String, token: String?, _ body: (AdminClient) async throws -> Result)
        async throws -> Result
    {
        guard let parts = URLComponents(string: url), ["http", "https"].contains(parts.scheme ?? ""),
            let host = parts.host, !host.isEmpty, parts.query == nil, parts.fragment == nil, parts.user == nil
        else { throw AdminClientError.address(url) }
        var configuration = HTTPClient.Configuration(
            // A redirection could carry the token elsewhere.
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(5)))
        configuration.connectionPool.idleTimeout = .seconds(5)
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let base = url.hasSuffix("/") ? String(url.dropLast()) : url
        do {
            let result = try await body(AdminClient(url: base, token: token, http: http))
            try await http.shutdown()
            return result
        } catch {
            // What went wrong first is what is told.
            try? await http.shutdown()
            throw error
        }
    }

    private init(url: String, token: String?, http: HTTPClient) {
        self.url = url
        self.token = token
        self.http = http
    }

    /// The text of a successful answer.
    /// - Parameter path: its parts, percent-encoded here.
    /// - Parameter timeout: for all of the answer.
    func send(
        _ method: Method, _ path: [String], query: [(String, String?)] = [], body: Body? = nil,
        timeout: TimeAmount = .seconds(60)
    ) async throws -> String {
        var address = url + "/admin/v1/" + path.map(Self.encoded).joined(separator: "/")
        let pairs = query.compactMap { name, value in value.map { "\(name)=\(Self.encoded($0))" } }
        if !pairs.isEmpty { address += "?" + pairs.joined(separator: "&") }
        var request = HTTPClientRequest(url: address)
        request.method = HTTPMethod(rawValue: method.rawValue)
        request.headers.add(name: "accept", value: "application/json")
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        if let actor = Setting.environment["USER"], !actor.isEmpty, actor.utf8.allSatisfy(Self.isPlain) {
            request.headers.add(name: "weir-actor", value: actor)
        }
        if let body {
            request.headers.add(name: "content-type", value: body.type)
            request.body = .bytes(ByteBuffer(string: body.text))
        }
        let status: Int
        let text: String
        do {
            let response = try await http.execute(request, timeout: timeout)
            status = Int(response.status.code)
            text = String(buffer: try await response.body.collect(upTo: Self.largestAnswerBytes))
        } catch {
            throw AdminClientError.noConnection(url: url, reason: Self.reason(error))
        }
        guard (200..<300).contains(status) else { throw refusal(status: status, text: text) }
        return text
    }

    /// The answer as a message, and its text.
    func send<Message: Decodable>(
        _ method: Method, _ path: [String], query: [(String, String?)] = [], body: Body? = nil,
        as _: Message.Type, timeout: TimeAmount = .seconds(60)
    ) async throws -> (message: Message, text: String) {
        let text = try await send(method, path, query: query, body: body, timeout: timeout)
        do {
            return (try JSONDecoder().decode(Message.self, from: Data(text.utf8)), text)
        } catch {
            throw AdminClientError.unreadable(url: url, status: 200)
        }
    }

    struct Body {
        let text: String
        let type: String

        static func json(_ message: some Encodable) throws -> Body {
            Body(text: String(decoding: try JSONEncoder().encode(message), as: UTF8.self), type: "application/json")
        }
        static func yaml(_ text: String) -> Body { Body(text: text, type: "application/yaml") }
    }

    private struct Refusal: Decodable {
        struct Content: Decodable {
            struct Line: Decodable { let text: String }
            let code: String
            let message: String
            let hint: String?
            let errors: [Line]?
        }
        let error: Content
        let key: CreatedKey?
    }

    private func refusal(status: Int, text: String) -> AdminClientError {
        // What is no error of the admin API comes from something else at that address, and is told as such.
        guard let answer = try? JSONDecoder().decode(Refusal.self, from: Data(text.utf8)) else {
            return .unreadable(url: url, status: status)
        }
        let refusal = answer.error
        if let key = answer.key {
            return .keyNotPublished(key, message: refusal.message, hint: refusal.hint ?? "")
        }
        if status == 401 { return .unauthorized(hint: refusal.message, hasToken: token != nil) }
        return .refused(
            status: status, code: refusal.code, message: refusal.message, hint: refusal.hint,
            lines: refusal.errors?.map(\.text) ?? [])
    }

    /// Why there was no answer, in a few words.
    static func reason(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError where error == .connectTimeout: "no answer within 5 s"
        case let error as IOError: error.localizedDescription
        default: "\(error)"
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            if isPlain(byte) { return String(UnicodeScalar(byte)) }
            let digits = String(byte, radix: 16, uppercase: true)
            return "%" + (digits.count == 1 ? "0" + digits : digits)
        }.joined()
    }
}
