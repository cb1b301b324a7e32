import NIOCore
import NIOHTTP1
import WeirCore

/// Who is at the other end of a connection: the client, or a proxy that says who is. Made once for each connection.
struct Peer: Sendable {
    /// Nil for a socket without an address.
    private let address: IPAddress?
    /// As limits count it.
    private let subject: String?
    /// The proxies whose word is taken, if it is one of them.
    private let proxies: TrustedProxies?

    init(_ address: SocketAddress?, trusting proxies: TrustedProxies) {
        self.address = address?.ipAddress.flatMap { IPAddress($0) }
        subject = self.address?.subject
        self.proxies = self.address.map(proxies.contains) == true ? proxies : nil
    }

    /// Whose connection it is, for the number of connections from one place.
    var origin: String { subject ?? "local" }

    /// The address by which limits count a request. Its `X-Forwarded-For` is read only if a trusted proxy brings it.
    func clientSubject(_ headers: HTTPHeaders) -> String? {
        guard let proxies, let address else { return subject }
        return proxies.client(peer: address, forwardedFor: headers["x-forwarded-for"]).subject
    }
}
