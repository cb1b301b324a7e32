import WeirRedis

/// `weir:meta`: the layout and the number of shards, fixed when a deployment is born.
struct Deployment {
    /// The version of the stored layout: it changes with the meaning of a field.
    static let layout = 1

    /// Writes what is absent, changes nothing that stands, and returns the shards.
    static func join(_ redis: AggregatorRedis, shards: Int) async throws(AggregatorError) -> [Shard] {
        var meta = try await redis.hash(RedisKeys.meta)
        if meta["shards"] == nil || meta["created_at"] == nil || meta["layout"] == nil {
            let key = RedisArgument.string(RedisKeys.meta)
            // The shards before the layout: whoever reads a layout finds the rest.
            _ = try await redis.send(["HSETNX", key, "shards", .int(shards)])
            _ = try await redis.send(["HSETNX", key, "created_at", .int(try await redis.nowMs())])
            _ = try await redis.send(["HSETNX", key, "layout", .int(layout)])
            meta = try await redis.hash(RedisKeys.meta)
        }
        guard meta["layout"] == String(layout) else {
            throw .misconfigured("weir:meta has layout \(meta["layout"] ?? "none"); this version knows \(layout)")
        }
        guard let count = meta["shards"].flatMap({ Int($0) }), (1...100).contains(count) else {
            throw .misconfigured("weir:meta has shards \(meta["shards"] ?? "none"); it must be 1 to 100")
        }
        return Shard.all(count: count)
    }
}
