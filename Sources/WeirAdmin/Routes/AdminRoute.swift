import Hummingbird
import WeirLedger

/// One thing that can be asked of the admin API, and of whom.
struct AdminRoute: Sendable {
    typealias Handler = @Sendable (Request, AdminContext) async throws -> Response

    let method: HTTPRequest.Method
    /// Below `/admin/v1/`; a part in braces is a parameter: `keys/{id}`.
    let path: String
    /// The least role that may.
    let role: AdminRole
    let handler: Handler

    /// What changes nothing, for everybody who is let in.
    static func get(_ path: String, role: AdminRole = .viewer, _ handler: @escaping Handler) -> AdminRoute {
        AdminRoute(method: .get, path: path, role: role, handler: handler)
    }

    static func post(_ path: String, role: AdminRole, _ handler: @escaping Handler) -> AdminRoute {
        AdminRoute(method: .post, path: path, role: role, handler: handler)
    }

    static func put(_ path: String, role: AdminRole, _ handler: @escaping Handler) -> AdminRoute {
        AdminRoute(method: .put, path: path, role: role, handler: handler)
    }

    static func delete(_ path: String, role: AdminRole, _ handler: @escaping Handler) -> AdminRoute {
        AdminRoute(method: .delete, path: path, role: role, handler: handler)
    }
}
