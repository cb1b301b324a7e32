import Hummingbird
import NIOCore
import WeirCore
import WeirLedger

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The admin API, asked within the process: what a page does is checked, recorded and published by the very route that a
/// program would use, under the role of whoever has signed in.
struct InnerAPI: Sendable {
    private let responder: RouterResponder<AdminContext>

    init(_ routes: AdminRoutes) {
        let router = Router(context: AdminContext.self)
        for route in routes.routes {
            router.on(RouterPath("/" + route.path), method: route.method, use: routes.guarded(route))
        }
        responder = router.buildResponder()
    }

    struct Body: Sendable {
        let type: String
        let bytes: [UInt8]

        static func json(_ message: some Encodable) throws -> Body {
            Body(type: "application/json", bytes: try encoded(message))
        }
        static func yaml(_ text: String) -> Body { Body(type: "application/yaml", bytes: Array(text.utf8)) }
    }

    /// - Parameter path: below `/admin/v1/`, each part as it is.
    /// - Throws: what the route throws.
    func send<Answer: Decodable>(
        _ method: HTTPRequest.Method, _ path: [String], query: [(name: String, value: String)] = [], body: Body? = nil,
        as visitor: Visit, answer: Answer.Type
    ) async throws -> Answer {
        var target = "/" + path.map(PageAddress.encoded).joined(separator: "/")
        if !query.isEmpty {
            target +=
                "?"
                + query.map { "\(PageAddress.encoded($0.name))=\(PageAddress.encoded($0.value))" }.joined(
                    separator: "&")
        }
        var headers = HTTPFields()
        if let body { headers[.contentType] = body.type }
        let request = Request(
            head: HTTPRequest(
                method: method, scheme: "http", authority: visitor.authority, path: target, headerFields: headers),
            body: RequestBody(buffer: ByteBuffer(bytes: body?.bytes ?? [])))
        var context = visitor.context
        context.signedIn = visitor.session.actor
        let response = try await responder.respond(to: request, context: context)
        let collector = BodyCollector()
        try await response.body.write(collector)
        let bytes = await collector.bytes
        return try JSONDecoder().decode(Answer.self, from: Data(bytes))
    }
}

/// What a route wrote.
private actor BodyStore {
    var bytes: [UInt8] = []
    func append(_ buffer: ByteBuffer) { bytes += Array(buffer: buffer) }
}

private struct BodyCollector: ResponseBodyWriter {
    private let store = BodyStore()

    var bytes: [UInt8] { get async { await store.bytes } }

    mutating func write(_ buffer: ByteBuffer) async throws { await store.append(buffer) }
    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
