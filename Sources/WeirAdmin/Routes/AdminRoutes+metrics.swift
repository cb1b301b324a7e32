import Hummingbird
import NIOCore

extension AdminRoutes {
    /// Where a token is asked for, it is asked for here, too: the metrics name teams and what they spent. Prometheus sends one
    /// by `authorization: { credentials_file: … }`.
    var metricsRoute: AdminRoute {
        var route = AdminRoute.get("metrics", "What the process measures", answer: AnyDocument.self) { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: await metrics())))
        }
        route.isAtTop = true
        return route
    }
}
