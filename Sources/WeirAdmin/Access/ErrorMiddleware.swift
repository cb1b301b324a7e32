import Hummingbird
import Logging
import WeirLedger
import WeirRedis

/// Turns whatever went wrong into the API's error shape.
struct ErrorMiddleware: RouterMiddleware {
    /// All that there are.
    let routes: [AdminRoute]

    func handle(
        _ request: Request, context: AdminContext, next: (Request, AdminContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            let answer = answer(to: error, request.uri.path)
            if answer.code == .failed || answer.code.status == .serviceUnavailable {
                context.logger.error("\(request.method) \(request.uri.path): \(answer.message)")
            }
            return try answer.response()
        }
    }

    func answer(to error: any Error, _ path: String) -> AdminError {
        switch error {
        case let error as AdminError: error
        case let error as LedgerError: Self.answer(to: error)
        case let error as RedisError:
            AdminError(.redisUnavailable, "Redis gave no answer: \(error)", hint: "nothing was changed; try again")
        case let error as any HTTPResponseError:
            error.status == .notFound
                ? unrouted(path)
                : AdminError(.invalidRequest, "the request cannot be read (\(error.status.code))")
        default: AdminError(.failed, "the request failed: \(type(of: error))")
        }
    }

    /// No path, or no such method of one.
    private func unrouted(_ path: String) -> AdminError {
        let parts = path.split(separator: "/")
        let methods = routes.filter { route in
            let own = route.fullPath.split(separator: "/")
            return own.count == parts.count && zip(own, parts).allSatisfy { $0.first == "{" || $0 == $1 }
        }.map(\.method.rawValue)
        guard !methods.isEmpty else {
            return AdminError(.notFound, "there is no such path", hint: "/openapi.json lists all")
        }
        var error = AdminError(.methodNotAllowed, "this path takes \(methods.joined(separator: ", ")) alone")
        error.allowedMethods = methods
        return error
    }

    private static func answer(to error: LedgerError) -> AdminError {
        switch error {
        case .invalid(let text): AdminError(.invalidField, text)
        case .busy, .full: AdminError(.ledgerUnavailable, "\(error)", hint: "nothing was changed; try again")
        case .corrupt, .io: AdminError(.ledgerUnavailable, "\(error)", hint: "look whether the change stands")
        case .cancelled: AdminError(.ledgerUnavailable, "\(error)", hint: "look whether the change stands")
        case .failed: AdminError(.failed, "\(error)")
        }
    }
}
