import Hummingbird
import NIOCore
import WeirLedger

extension AdminRoutes {
    /// Without a token: what balancers and supervisors ask, and how to ask the rest. They say nothing about anybody.
    var openRoutes: [AdminRoute] {
        [
            .get("healthz", role: nil, "Whether the process lives", answer: Health.self) { _, _ in
                try answer(Health(status: "ok", reasons: []))
            },
            .get("readyz", role: nil, "Whether the process can serve; 503 if not", answer: Health.self) { _, _ in
                try await readiness()
            },
            .get("openapi.json", role: nil, "This document", answer: AnyDocument.self) { _, _ in
                document()
            },
        ]
    }

    private func document() -> Response {
        let bytes = OpenAPIDocument(openRoutes + routes).json
        return Response(
            status: .ok, headers: jsonHeaders, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// For operators, with a token.
    var statusRoutes: [AdminRoute] {
        [
            .get("status", "Who leads, which shards are ready, what waits", answer: StatusAnswer.self) { _, _ in
                try answer(await publication.status())
            },
            .get("whoami", "Who asks, and with which role", answer: Whoami.self) { _, context in
                try answer(Whoami(context.actor))
            },
        ]
    }

    private func readiness() async throws -> Response {
        var reasons: [String] = []
        do { _ = try await ledger.revision() } catch { reasons.append("the ledger does not answer") }
        do { _ = try await publication.nowMs() } catch { reasons.append("Redis does not answer") }
        if let reason = await unreadyReason() { reasons.append(reason) }
        return reasons.isEmpty
            ? try answer(Health(status: "ok", reasons: []))
            : try answer(Health(status: "unready", reasons: reasons), status: .serviceUnavailable)
    }
}
