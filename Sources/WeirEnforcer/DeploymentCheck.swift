import Logging
import WeirRedis

/// Whether this node fits the deployment that lives in Redis: `weir:meta`, made by the aggregator at its birth.
struct DeploymentCheck {
    /// The version of the stored layout: it changes with the meaning of a field.
    static let layout = "1"

    let pool: RedisPool
    let logger: Logger

    /// Returns once Redis answers and `weir:meta` stands, with the number of shards.
    func wait(found: (Int) -> Void) async throws(EnforcerError) {
        var told: String?
        func tell(_ reason: String) {
            if told != reason { logger.warning("waiting", metadata: ["for": "\(reason)"]) }
            told = reason
        }
        while true {
            do {
                try await pool.waitUntilReady(timeout: .seconds(1))
                var meta: [String: String] = [:]
                for (name, value) in try await pool.send(["HGETALL", .string(RedisKeys.meta)]).pairs {
                    meta[name] = value
                }
                if let info = try await pool.send(["INFO", "memory"]).text,
                    let problem = RedisEviction(info: info)?.problem
                {
                    throw EnforcerError.misconfigured(reason: problem)
                }
                // The layout is written last.
                if meta["layout"] == nil {
                    tell("an aggregator to set up weir:meta")
                } else {
                    return found(try Self.shards(meta: meta))
                }
            } catch let error as EnforcerError {
                throw error
            } catch RedisError.configuration(let reason) {
                throw .misconfigured(reason: reason)
            } catch {
                tell("Redis: \(error)")
            }
            do { try await Task.sleep(for: .milliseconds(50)) } catch { throw .degraded(reason: told ?? "cancelled") }
        }
    }

    static func shards(meta: [String: String]) throws(EnforcerError) -> Int {
        guard meta["layout"] == layout else {
            throw .misconfigured(
                reason:
                    "weir:meta says layout \(meta["layout"] ?? "none"), this node speaks \(layout): run nodes of one version"
            )
        }
        guard let shards = meta["shards"].flatMap({ Int($0) }), (1...100).contains(shards) else {
            throw .misconfigured(reason: "weir:meta says \(meta["shards"] ?? "no") shards: it must be 1 to 100")
        }
        return shards
    }
}
