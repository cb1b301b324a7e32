import Crypto
import Hummingbird
import NIOCore

/// What pages are drawn with: part of the binary, so that nothing else is needed.
enum Asset: CaseIterable, Sendable {
    case style, script, icon

    private var page: PageAddress.Page {
        switch self {
        case .style: .style
        case .script: .script
        case .icon: .icon
        }
    }

    var path: String { page.rawValue }

    private var bytes: [UInt8] {
        switch self {
        case .style: PackageResources.dashboard_css
        case .script: PackageResources.dashboard_js
        case .icon: PackageResources.icon_svg
        }
    }

    private var contentType: String {
        switch self {
        case .style: "text/css; charset=utf-8"
        case .script: "text/javascript; charset=utf-8"
        case .icon: "image/svg+xml"
        }
    }

    private static let versions: [Asset: String] = Dictionary(
        uniqueKeysWithValues: allCases.map { asset in
            (asset, SHA256.hash(data: asset.bytes).prefix(6).map { String($0, radix: 16) }.joined())
        })

    /// With a version of its content, so that a browser may keep it for ever.
    var address: PageAddress { PageAddress(page, ["v": Self.versions[self]]) }

    var response: Response {
        var headers = pageHeaders
        headers[.contentType] = contentType
        headers[.cacheControl] = "public, max-age=31536000, immutable"
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

/// Of every answer of the dashboard. Nothing from elsewhere is loaded, run, framed or sent to.
let pageHeaders: HTTPFields = {
    var headers: HTTPFields = [
        .contentType: "text/html; charset=utf-8", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
        .contentSecurityPolicy: """
        default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
        form-action 'self'; frame-ancestors 'none'; base-uri 'none'
        """,
    ]
    // `same-origin`, since with `no-referrer` browsers send a form's Origin as null.
    for (name, value) in [
        ("referrer-policy", "same-origin"), ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"), ("cross-origin-resource-policy", "same-origin"),
    ] {
        if let name = HTTPFields.Element.Name(name) { headers[name] = value }
    }
    return headers
}()
