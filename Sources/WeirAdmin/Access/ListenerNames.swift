import WeirCore

/// The names under which a listener answers. A page of another name that resolves to this machine (DNS rebinding) is
/// refused: the browser would take it for the page's own.
struct ListenerNames: Sendable {
    private let names: Set<String>
    /// An address is no name that could be made to resolve elsewhere. A loopback listener has its own alone.
    private let takesAnyAddress: Bool
    /// For errors: a name that would do.
    let example: String

    init(_ configuration: AdminConfiguration) {
        names = Set(
            ["localhost", "127.0.0.1", "::1"]
                + ([configuration.host, configuration.machineName] + configuration.hosts).map { $0.lowercased() })
        takesAnyAddress = !configuration.isLoopback
        example = configuration.isLoopback ? "http://127.0.0.1" : "an IP address"
    }

    /// - Parameter authority: as in `Host`: `host`, `host:port` or `[host]:port`.
    func contain(authority: String) -> Bool {
        let host: String
        if authority.first == "[" {
            host = authority.dropFirst().prefix { $0 != "]" }.lowercased()
        } else {
            host = authority.prefix { $0 != ":" }.lowercased()
        }
        return names.contains(host) || (takesAnyAddress && IPAddress(host) != nil)
    }
}
