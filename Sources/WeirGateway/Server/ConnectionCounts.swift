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
