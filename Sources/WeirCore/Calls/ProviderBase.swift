/// The fixed part of a provider's URL: everything before the API's own path. Only configuration and policy make one;
/// nothing in a request has a say in where a call goes.
package struct ProviderBase: Sendable, Hashable {
    /// Without a slash at the end.
    package let url: String

    /// Nil unless it is `http://` or `https://`, with a host and nothing but a path behind it.
    package init?(_ text: String) {
        let scheme = ["https://", "http://"].first { text.hasPrefix($0) }
        guard let scheme else { return nil }
        let rest = text.dropFirst(scheme.count)
        guard let first = rest.first, first != "/", first != ":",
            rest.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            !rest.contains(where: { "@?#\\".contains($0) })
        else { return nil }
        var trimmed = rest
        while trimmed.last == "/" { trimmed.removeLast() }
        url = scheme + trimmed
    }
}
