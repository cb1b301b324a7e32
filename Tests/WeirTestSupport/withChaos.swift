import WeirChaos

/// Runs `body` with a proxy before a server, which it can reach as `port` of 127.0.0.1.
///
/// - Parameter seed: decides all that is random; name it when a test fails.
nonisolated(nonsending) package func withChaos<Result>(
    before server: RedisServer, seed: UInt64, _ body: (ChaosProxy, _ port: Int) async throws -> Result
) async throws -> Result {
    let proxy = ChaosProxy(to: "127.0.0.1", port: server.port, seed: seed)
    let port = try await proxy.start()
    do {
        let result = try await body(proxy, port)
        try await proxy.stop()
        return result
    } catch {
        try await proxy.stop()
        throw error
    }
}
