import Hummingbird

/// Lets nobody in by another name of this listener, or from a page of another site.
struct SiteMiddleware: RouterMiddleware {
    let names: ListenerNames

    func handle(
        _ request: Request, context: AdminContext, next: (Request, AdminContext) async throws -> Response
    ) async throws -> Response {
        let authority = request.head.authority ?? ""
        guard names.contain(authority: authority) else {
            throw AdminError(
                .forbidden, "this listener does not answer under the name \"\(authority.prefix(80))\"",
                hint: "use \(names.example), or start the aggregator with --admin-host NAME")
        }
        if let origin = request.headers[.origin], origin != "http://\(authority)", origin != "https://\(authority)" {
            throw AdminError(.forbidden, "requests from the site \"\(origin.prefix(80))\" are refused")
        }
        return try await next(request, context)
    }
}
