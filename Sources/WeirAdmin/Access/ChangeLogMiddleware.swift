import Hummingbird
import Logging

/// One line for each change that was asked for, and what became of it. What was sent is not in it: the audit says what
/// changed.
struct ChangeLogMiddleware: RouterMiddleware {
    let logger: Logger

    func handle(
        _ request: Request, context: AdminContext, next: (Request, AdminContext) async throws -> Response
    ) async throws -> Response {
        guard request.method != .get, request.method != .head else { return try await next(request, context) }
        do {
            let response = try await next(request, context)
            tell(request, context, status: Int(response.status.code))
            return response
        } catch {
            tell(request, context, status: (error as? any HTTPResponseError).map { Int($0.status.code) } ?? 500)
            throw error
        }
    }

    private func tell(_ request: Request, _ context: AdminContext, status: Int) {
        logger.info(
            "admin change",
            metadata: [
                "method": "\(request.method.rawValue)", "path": "\(request.uri.path)", "status": "\(status)",
                "actor": "\(context.actor)", "from": "\(context.address)",
            ])
    }
}
