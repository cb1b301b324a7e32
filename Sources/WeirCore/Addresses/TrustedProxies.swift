/// The proxies before the gateway whose word is taken for where a request comes from.
///
/// Each proxy appends to `X-Forwarded-For` the address that it was called from, so the list is read from the right: what a
/// trusted proxy wrote is believed, and whoever is not trusted is the client, whatever stands left of it.
public struct TrustedProxies: Sendable, Hashable {
    private let networks: [Network]

    private struct Network: Sendable, Hashable {
        let address: IPAddress
        let prefix: Int

        func contains(_ other: IPAddress) -> Bool {
            other.isV6 == address.isV6 && (other.bits ^ address.bits) >> ((address.isV6 ? 128 : 32) - prefix) == 0
        }
    }

    /// What is wrong with a list, and what would be right.
    public struct Problem: Error, Sendable, Equatable, CustomStringConvertible {
        public let description: String
    }

    /// Nobody: a client is who it connects as.
    public static let none = TrustedProxies(networks: [])

    private init(networks: [Network]) { self.networks = networks }

    /// Networks in CIDR notation, or single addresses, separated by commas: `10.0.0.0/8,::1/128`. Empty: none.
    public init(_ text: String) throws(Problem) {
        var networks: [Network] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let part = part.trimmingSpace
            if part.isEmpty, text.trimmingSpace.isEmpty { break }
            networks.append(try Self.network(part))
        }
        self.networks = networks
    }

    private static func network(_ text: Substring) throws(Problem) -> Network {
        let shown = String(text.prefix(60))
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(first) else {
            throw Problem(description: "'\(shown)' is not a network; write it as 10.0.0.0/8, ::1/128 or 192.0.2.7")
        }
        let width = address.isV6 ? 128 : 32
        guard parts.count == 2 else { return Network(address: address, prefix: width) }
        let digits = parts[1]
        guard (1...3).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let prefix = Int(digits), prefix <= width, first.contains(":") == address.isV6
        else {
            throw Problem(
                description:
                    "'\(shown)' has no prefix of 1 to \(width) bits; write 10.0.0.0/8 or 2001:db8::/32, and IPv4 as IPv4"
            )
        }
        guard prefix > 0 else {
            throw Problem(description: "'\(shown)' trusts everybody: any client could then choose its own address")
        }
        guard prefix == width || address.bits & (UInt128(1) << (width - prefix) - 1) == 0 else {
            throw Problem(description: "'\(shown)' has bits set beyond its prefix; which network is meant?")
        }
        return Network(address: address, prefix: prefix)
    }

    public var isEmpty: Bool { networks.isEmpty }

    public func contains(_ address: IPAddress) -> Bool { networks.contains { $0.contains(address) } }

    /// Who made a request that came in from `peer`.
    ///
    /// From the right, the first address that is not a trusted proxy's. Where the list ends, or goes on with what is no
    /// address, it is the last one that was believed: no client gains by writing nonsense.
    ///
    /// - Parameter forwardedFor: the values of all `X-Forwarded-For` headers, in the order of the request.
    public func client(peer: IPAddress, forwardedFor: [String]) -> IPAddress {
        var client = peer
        for value in forwardedFor.reversed() {
            for part in value.split(separator: ",", omittingEmptySubsequences: false).reversed() {
                guard contains(client), let address = Self.forwarded(part.trimmingSpace) else { return client }
                client = address
            }
        }
        return client
    }

    /// An element of the list: an address, maybe with a port, an IPv6 address maybe in brackets.
    private static func forwarded(_ text: Substring) -> IPAddress? {
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]"), isPort(text[text.index(after: end)...]) else { return nil }
            let inner = text[text.index(after: text.startIndex)..<end]
            return inner.contains(":") ? IPAddress(inner) : nil
        }
        if let colon = text.firstIndex(of: ":"), text.lastIndex(of: ":") == colon {
            guard isPort(text[colon...]) else { return nil }
            return IPAddress(text[..<colon])
        }
        return IPAddress(text)
    }

    /// Nothing, or a colon and a number.
    private static func isPort(_ text: Substring) -> Bool {
        if text.isEmpty { return true }
        return text.first == ":" && (2...6).contains(text.utf8.count)
            && text.dropFirst().utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
}

extension StringProtocol {
    /// Without spaces and tabs at both ends.
    fileprivate var trimmingSpace: Substring {
        var rest = Substring(self)
        while rest.first == " " || rest.first == "\t" { rest.removeFirst() }
        while rest.last == " " || rest.last == "\t" { rest.removeLast() }
        return rest
    }
}
