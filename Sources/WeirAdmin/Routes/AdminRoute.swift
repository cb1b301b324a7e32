import Hummingbird
import WeirLedger

/// One thing that can be asked of the admin API, of whom, and how: what requests are checked by, and what the document
/// says, are the same.
struct AdminRoute: Sendable {
    typealias Handler = @Sendable (Request, AdminContext) async throws -> Response

    enum Body: Sendable {
        case json(any StrictMessage.Type)
        /// A policy, `application/yaml`.
        case policy
    }

    let method: HTTPRequest.Method
    /// Below `/admin/v1/`, or at the top if it is for everybody; a part in braces is a parameter: `keys/{id}`.
    let path: String
    /// The least role that may; nil: everybody, without a token.
    let role: AdminRole?
    /// One sentence without a full stop.
    let summary: String
    var parameters: [AdminParameter] = []
    var body: Body?
    /// The message that answers it; a list if it is an ``AdminList``.
    let answer: any (Decodable & Sendable).Type
    var status = HTTPResponse.Status.ok
    /// At the top, though it is not for everybody.
    var isAtTop = false
    let handler: Handler

    /// A page of a list, or as CSV all of it.
    var isList: Bool { answer is any AdminList.Type }

    var fullPath: String { (role == nil || isAtTop ? "/" : "/admin/v1/") + path }

    /// Those that are declared, and those of every list.
    var allParameters: [AdminParameter] { isList ? parameters + ListQuery.parameters : parameters }

    /// What changes nothing, for everybody who is let in.
    static func get(
        _ path: String, role: AdminRole? = .viewer, _ summary: String, _ parameters: [AdminParameter] = [],
        answer: any (Decodable & Sendable).Type, _ handler: @escaping Handler
    ) -> AdminRoute {
        AdminRoute(
            method: .get, path: path, role: role, summary: summary, parameters: parameters, answer: answer,
            handler: handler)
    }

    /// What changes something, if `role` is more than a viewer's.
    static func on(
        _ method: HTTPRequest.Method, _ path: String, role: AdminRole, _ summary: String,
        _ parameters: [AdminParameter] = [], body: Body? = nil, answer: any (Decodable & Sendable).Type,
        status: HTTPResponse.Status = .ok, _ handler: @escaping Handler
    ) -> AdminRoute {
        AdminRoute(
            method: method, path: path, role: role, summary: summary, parameters: parameters, body: body,
            answer: answer, status: status, handler: handler)
    }
}
