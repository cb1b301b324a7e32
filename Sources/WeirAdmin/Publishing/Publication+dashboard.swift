import WeirCore
import WeirRedis

extension Publication {
    /// How many teams are limited at `nowMs`.
    func limitedCount(resource: String, nowMs: Int) async throws(RedisError) -> Int {
        let reply = try await redis.send(
            ["ZCOUNT", .string(RedisKeys.limitedSet(resource: resource)), .string("(\(nowMs / 1000)"), "+inf"],
            deadline: Self.deadline)
        guard case .integer(let count) = reply else { throw .protocolViolation("ZCOUNT answered no number") }
        return count
    }

    /// Which entries of the limited sets the aggregator made: `<resource>/<team>` → `<until_s> <amount> <previous_s>`.
    func limitedByLedger() async throws(RedisError) -> [String: String] {
        try await hash(RedisKeys.limitsSetByLedger)
    }

    /// The gateways that have reported within the last seconds.
    func gateways(nowMs: Int) async throws(RedisError) -> [GatewayPresence] {
        var newest: [String: NodeReport] = [:]
        for key in RedisKeys.nodeReports(around: nowMs) {
            for (node, text) in try await hash(key) {
                guard let report = NodeReport(text: text), nowMs - report.atMs < NodeReport.validMs else { continue }
                if let known = newest[node], known.atMs >= report.atMs { continue }
                newest[node] = report
            }
        }
        return newest.map { GatewayPresence(node: $0.key, report: $0.value) }
            .sorted { ($0.report.address, $0.node) < ($1.report.address, $1.node) }
    }

    private func hash(_ key: String) async throws(RedisError) -> [String: String] {
        let texts = try await redis.send(["HGETALL", .string(key)], deadline: Self.deadline).texts
        var fields: [String: String] = [:]
        for index in stride(from: 0, to: texts.count - 1, by: 2) { fields[texts[index]] = texts[index + 1] }
        return fields
    }
}
