import Hummingbird
import Logging

/// One line for each change that was asked for, and what became of it. What was sent is not in it: the audit says what
/// changed.
struct ChangeLog: Sendable {
    let logger: Logger

    func telling(
        _ request: Request, _ context: AdminContext, _ body: () async throws -> Response
    ) async throws -> Response {
        guard request.method != .get, request.method != .head else { return try await body() }
        do {
            let response = try await body()
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
                "actor": "\(context.actor.name)", "from": "\(context.actor.address)",
            ])
    }
}
