import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix

/// A browser as far as forms and cookies go: it follows no redirect by itself, and sends an Origin with each form.
final class Browser: @unchecked Sendable {
    // One test uses it, from one task at a time.
    private let admin: AdminFixture
    private var cookies: [String: String] = [:]
    private(set) var formToken = ""

    init(_ admin: AdminFixture) { self.admin = admin }

    struct Page: Sendable {
        let status: Int
        let body: String
        let headers: HTTPHeaders
        var location: String? { headers.first(name: "location") }
    }

    private static let client = HTTPClient(
        eventLoopGroup: .singletonMultiThreadedEventLoopGroup, configuration: .init(redirectConfiguration: .disallow))

    func get(_ path: String) async throws -> Page { try await send(.GET, path, nil, [:]) }

    /// - Parameter origin: nil: none is sent.
    func post(
        _ path: String, _ fields: [String: String], origin: String? = "", token: String? = nil, type: String? = nil
    ) async throws -> Page {
        var fields = fields
        if path != "/sign-in" { fields["form_token"] = token ?? formToken }
        let body = fields.map { "\(Self.encoded($0))=\(Self.encoded($1))" }.joined(separator: "&")
        var headers = ["content-type": type ?? "application/x-www-form-urlencoded"]
        if let origin { headers["origin"] = origin.isEmpty ? admin.url : origin }
        return try await send(.POST, path, body, headers)
    }

    func signIn(_ token: String, name: String = "ada") async throws -> Page {
        let page = try await post("/sign-in", ["token": token, "name": name])
        _ = try await get("/audit")
        return page
    }

    private func send(
        _ method: HTTPMethod, _ path: String, _ body: String?, _ headers: [String: String]
    ) async throws -> Page {
        var request = HTTPClientRequest(url: admin.url + path)
        request.method = method
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if !cookies.isEmpty {
            request.headers.add(name: "cookie", value: cookies.map { "\($0)=\($1)" }.joined(separator: "; "))
        }
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await Self.client.execute(request, timeout: .seconds(30))
        for cookie in response.headers["set-cookie"] {
            let pair = cookie.split(separator: ";")[0].split(separator: "=", maxSplits: 1).map(String.init)
            cookies[pair[0]] = pair.count == 2 ? pair[1] : ""
        }
        let text = String(buffer: try await response.body.collect(upTo: 1 << 25))
        if let match = text.firstMatch(of: /name="form_token" value="([0-9a-f]{64})"/) { formToken = String(match.1) }
        return Page(status: Int(response.status.code), body: text, headers: response.headers)
    }

    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "%0\(digits)" : "%\(digits)"
        }.joined()
    }
}
