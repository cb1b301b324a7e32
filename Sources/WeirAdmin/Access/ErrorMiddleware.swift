import Hummingbird
import Logging
import WeirLedger
import WeirRedis

/// Turns whatever went wrong into the API's error shape.
struct ErrorMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: AdminContext, next: (Request, AdminContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            let answer = Self.answer(to: error)
            if answer.code == .failed || answer.code.status == .serviceUnavailable {
                context.logger.error("\(request.method) \(request.uri.path): \(answer.message)")
            }
            return try answer.response()
        }
    }

    static func answer(to error: any Error) -> AdminError {
        switch error {
        case let error as AdminError: error
        case let error as LedgerError: answer(to: error)
        case let error as RedisError:
            AdminError(.redisUnavailable, "Redis gave no answer: \(error)", hint: "nothing was changed; try again")
        case let error as any HTTPResponseError:
            error.status == .notFound
                ? AdminError(.notFound, "there is no such path", hint: "all paths begin with /admin/v1/")
                : AdminError(.invalidRequest, "the request cannot be read (\(error.status.code))")
        default: AdminError(.failed, "the request failed: \(type(of: error))")
        }
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
