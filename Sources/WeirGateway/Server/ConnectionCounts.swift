import NIOCore
import Synchronization

/// The connections of clients, in all and by address.
final class ConnectionCounts: Sendable {
    private struct Counts {
        var total = 0
        var byAddress: [String: Int] = [:]
    }

    private let counts = Mutex(Counts())
    private let most: Int
    private let mostPerAddress: Int

    init(_ limits: GatewayConfiguration.Limits) {
        most = limits.connections
        mostPerAddress = limits.connectionsPerAddress
    }

    var total: Int { counts.withLock { $0.total } }

    /// False: there are enough already, and this one is not counted.
    func admit(_ origin: String) -> Bool {
        counts.withLock { counts in
            guard counts.total < most, counts.byAddress[origin, default: 0] < mostPerAddress else { return false }
            counts.total += 1
            counts.byAddress[origin, default: 0] += 1
            return true
        }
    }

    func remove(_ origin: String) {
        counts.withLock { counts in
            guard let count = counts.byAddress[origin] else { return }
            counts.total -= 1
            counts.byAddress[origin] = count > 1 ? count - 1 : nil
        }
    }
}

/// A client's address as limits see it.
enum PeerAddress {
    /// The address without port; a v4-mapped IPv6 address as IPv4, so that it is the same client on both.
    static func text(_ address: SocketAddress?) -> String? {
        guard let ip = address?.ipAddress else { return nil }
        return ip.hasPrefix("::ffff:") && ip.contains(".") ? String(ip.dropFirst(7)) : ip
    }

    /// Who counts as one: an IPv4 address, or the /64 that an IPv6 client is usually given whole.
    static func origin(_ address: SocketAddress?) -> String {
        if case .v6(let v6) = address, let text = text(address), !text.contains(".") {
            // A sockaddr_in6 begins with family, port and flow label: 8 bytes. Then the address, its network half
            // first.
            return withUnsafeBytes(of: v6.address) { bytes in
                "v6:" + bytes[8..<16].map { String($0, radix: 16) }.joined(separator: ":")
            }
        }
        return text(address) ?? "local"
    }
}
