import Foundation
import Logging
import ServiceLifecycle
import WeirEnforcer
import WeirRedis

/// Says every few seconds that this gateway lives, and whether it may serve: what the dashboard knows of it.
struct NodePresence: Service {
    let pool: RedisPool
    let enforcer: Enforcer
    let address: String

    func run() async throws {
        await cancelWhenGracefulShutdown {
            let node = String(UInt64.random(in: .min ... .max), radix: 36)
            let startedAtMs = Int(Date().timeIntervalSince1970 * 1000)
            while !Task.isCancelled {
                let report = NodeReport(
                    address: address, atMs: enforcer.nowMs, startedAtMs: startedAtMs,
                    problem: enforcer.unreadyReason)
                for command in report.commands(node: node) {
                    // Without Redis nobody hears it, and the node says so elsewhere.
                    do { _ = try await pool.send(command, deadline: .seconds(1)) } catch { break }
                }
                do { try await Task.sleep(for: NodeReport.interval) } catch { break }
            }
        }
    }
}
