import Hummingbird
import WeirCore

extension AdminRoutes {
    /// The route's handler, for those who may: with the actor and the query in the context.
    func guarded(_ route: AdminRoute) -> AdminRoute.Handler {
        { request, context in
            var context = context
            if let role = route.role {
                if let signedIn = context.signedIn {
                    context.actor = signedIn
                } else {
                    context.actor = try await actor(of: request, context)
                }
                try context.actor.require(role, for: "\(route.method) \(route.fullPath)")
            }
            context.query = try query(request, route.allParameters)
            let admitted = context
            return try await ChangeLog(logger: logger).telling(request, admitted) {
                try await route.handler(request, admitted)
            }
        }
    }

    /// Who makes the request, by its `authorization`.
    private func actor(of request: Request, _ context: AdminContext) async throws -> AdminActor {
        let actor = try await access.actor(
            showing: Self.bearer(request.headers[.authorization]), calledBy: request.headers.weirActor,
            at: context.address(request, trusting: configuration.trustedProxies))
        guard Subject.isValidID(actor.name) else {
            throw AdminError(.invalidField, "weir-actor is not a name", hint: "use 1 to 128 of A-Z a-z 0-9 . _ @ : -")
        }
        return actor
    }

    private static func bearer(_ header: String?) -> String? {
        guard let header, header.prefix(7).lowercased() == "bearer " else { return nil }
        return String(header.dropFirst(7))
    }
}
