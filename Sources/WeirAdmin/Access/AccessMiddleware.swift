import Hummingbird
import WeirCore

/// Lets nobody in by another name, from another site, or without the token.
struct AccessMiddleware: RouterMiddleware {
    let token: AdminToken?
    /// Nil: any. In lower case, without port.
    let hosts: Set<String>?

    init(_ configuration: AdminConfiguration) {
        token = configuration.token.map(AdminToken.init)
        hosts =
            configuration.isLoopback
            ? Set(["localhost", "127.0.0.1", "::1", configuration.host] + configuration.hosts.map { $0.lowercased() })
            : nil
    }

    func handle(
        _ request: Request, context: AdminContext, next: (Request, AdminContext) async throws -> Response
    ) async throws -> Response {
        let authority = request.head.authority ?? ""
        if let hosts, !hosts.contains(Self.host(of: authority)) {
            throw AdminError(
                .forbidden, "this listener does not answer under the name \"\(authority.prefix(80))\"",
                hint: "use http://127.0.0.1, or start the aggregator with --admin-host NAME")
        }
        if let origin = request.headers[.origin], origin != "http://\(authority)", origin != "https://\(authority)" {
            throw AdminError(.forbidden, "requests from the site \"\(origin.prefix(80))\" are refused")
        }
        // These two exactly: the router also takes //admin for /admin, so a list of what needs the token would leak.
        if ["/healthz", "/readyz"].contains(request.uri.path) { return try await next(request, context) }
        if let token {
            guard let given = Self.bearer(request.headers[.authorization]), token.isEqual(to: given) else {
                throw AdminError(
                    .unauthorized, "the admin token is missing or wrong",
                    hint: "send authorization: Bearer TOKEN; the weir command reads WEIR_ADMIN_TOKEN")
            }
        }
        var context = context
        if let actor = request.headers.weirActor {
            guard Subject.isValidID(actor) else {
                throw AdminError(
                    .invalidField, "weir-actor is not a name", hint: "use 1 to 128 of A-Z a-z 0-9 . _ @ : -")
            }
            context.actor = actor
        }
        return try await next(request, context)
    }

    /// The host of `host:port` or `[host]:port`.
    private static func host(of authority: String) -> String {
        if authority.first == "[" { return authority.dropFirst().prefix { $0 != "]" }.lowercased() }
        return authority.prefix { $0 != ":" }.lowercased()
    }

    private static func bearer(_ header: String?) -> String? {
        guard let header, header.prefix(7).lowercased() == "bearer " else { return nil }
        return String(header.dropFirst(7))
    }
}
