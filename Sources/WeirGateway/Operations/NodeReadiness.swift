import WeirCore
import WeirEnforcer

/// What `/readyz` says of a node.
struct NodeReadiness: Sendable {
    /// Why it may not serve; nil: it may.
    var reason: String?
    /// Which calls are admitted without Redis, in words; nil: Redis decides.
    var outage: String?
    /// Nil: it has none.
    var outbox: Outbox.Status?
    /// Milliseconds since 1970.
    var nowMs: Int

    /// `{"ready":true,"outbox":{"rows":3,"bytes":2100,"limit_bytes":1073741824,"oldest_seconds":0}}`, with `reason` if it is
    /// not ready, and `outage` while Redis is away; `"outbox":null` without one.
    var json: String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("ready", reason == nil)
        writer.member("reason", ifPresent: reason)
        writer.member("outage", ifPresent: outage)
        writer.key("outbox")
        if let outbox {
            writer.beginObject()
            writer.member("rows", outbox.rows)
            writer.member("bytes", outbox.bytes)
            writer.member("limit_bytes", outbox.limitBytes)
            writer.member("oldest_seconds", outbox.oldestSeconds(nowMs: nowMs))
            writer.endObject()
        } else {
            writer.null()
        }
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self) + "\n"
    }
}
