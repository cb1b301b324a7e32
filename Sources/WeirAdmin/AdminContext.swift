import Hummingbird
import Logging
import NIOCore
import WeirCore

/// What is known of a request besides itself.
package struct AdminContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The other end of the connection.
    let peer: String
    /// Who makes it; set for each route that asks for a role.
    package var actor: AdminActor = .nobody
    /// Who has signed in to the dashboard, which then asks within the process; nil: the request has to show a token.
    var signedIn: AdminActor?
    /// The parameters of its query, checked as the route declares them.
    var query: [String: String] = [:]

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        peer = source.channel.remoteAddress?.ipAddress ?? "local"
    }

    /// Where the request comes from: the peer, or whom a trusted proxy names.
    func address(_ request: Request, trusting proxies: TrustedProxies) -> String {
        guard let peer = IPAddress(self.peer), proxies.contains(peer) else { return self.peer }
        let forwarded = request.headers.filter { $0.name.canonicalName == "x-forwarded-for" }.map(\.value)
        let client = proxies.client(peer: peer, forwardedFor: forwarded)
        return client == peer ? self.peer : client.text
    }
}

extension HTTPFields {
    /// The name of the person who acts, 1 to 128 characters of `[A-Za-z0-9._@:-]`.
    var weirActor: String? { first { $0.name.canonicalName == "weir-actor" }?.value }
}
