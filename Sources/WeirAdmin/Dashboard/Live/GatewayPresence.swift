import WeirRedis

/// A gateway that has said within the last seconds that it lives.
struct GatewayPresence: Sendable, Hashable {
    var node: String
    var report: NodeReport
}
