/// `host:port`, `[::1]:port`.
struct ListenAddress: Equatable, CustomStringConvertible {
    let host: String
    let port: Int

    init(_ text: String) throws(SettingError) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw SettingError(
                description: "\(text) is not an address to listen on; write HOST:PORT, as 127.0.0.1:8090")
        }
        var host = text[..<colon]
        if host.first == "[", host.last == "]" {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw SettingError(description: "\(text): write an IPv6 address in brackets, as [::1]:8090")
        }
        guard !host.isEmpty else {
            throw SettingError(description: "\(text) has no host; 0.0.0.0 listens on every address")
        }
        self.host = String(host)
        self.port = Int(port)
    }

    private init(host: String, port: Int) { (self.host, self.port) = (host, port) }

    /// The same host, where the system has chosen the port.
    func with(port: Int) -> ListenAddress { ListenAddress(host: host, port: port) }

    var description: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }
}
