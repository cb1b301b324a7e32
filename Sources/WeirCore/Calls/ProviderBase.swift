/// The fixed part of a provider's URL: everything before the API's own path. Only configuration and policy make one;
/// nothing in a request has a say in where a call goes.
package struct ProviderBase: Sendable, Hashable {
    package let isTLS: Bool
    /// A name, or an address without brackets.
    package let host: String
    package let port: Int
    /// The value of the `host` header: with the port where it is not the scheme's own.
    package let authority: String
    /// Empty, or beginning with a slash and not ending with one.
    package let path: String

    /// Without a slash at the end.
    package var url: String { (isTLS ? "https://" : "http://") + authority + path }

    /// Nil unless it is `http://` or `https://`, with a host, maybe a port, and nothing but a path behind it.
    package init?(_ text: String) {
        let schemes = [("https://", true), ("http://", false)]
        guard let (scheme, isTLS) = schemes.first(where: { text.hasPrefix($0.0) }) else { return nil }
        let rest = text.dropFirst(scheme.count)
        guard rest.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), !rest.contains(where: { "@?#\\".contains($0) })
        else { return nil }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[..<slash]
        var path = rest[slash...]
        while path.last == "/" { path.removeLast() }
        guard let (host, port) = Self.split(authority) else { return nil }
        self.isTLS = isTLS
        self.host = String(host)
        self.port = port ?? (isTLS ? 443 : 80)
        self.authority = String(authority)
        self.path = String(path)
    }

    /// `name`, `name:port`, `[v6]` or `[v6]:port`.
    private static func split(_ authority: Substring) -> (host: Substring, port: Int?)? {
        var host = authority
        var rest: Substring
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            rest = authority[authority.index(after: end)...]
        } else {
            let colon = authority.firstIndex(of: ":") ?? authority.endIndex
            host = authority[..<colon]
            rest = authority[colon...]
        }
        guard !host.isEmpty, !host.contains("[") else { return nil }
        guard !rest.isEmpty else { return (host, nil) }
        guard rest.removeFirst() == ":", rest.utf8.count <= 5, rest.allSatisfy({ $0.isASCII && $0.isWholeNumber }),
            let port = Int(rest), (1...65535).contains(port)
        else { return nil }
        return (host, port)
    }
}
