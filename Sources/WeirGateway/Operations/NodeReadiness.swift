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

extension Outbox.Status {
    /// The age of the oldest row; 0 without one.
    func oldestSeconds(nowMs: Int) -> Int { oldestAtMs.map { max(0, nowMs - $0) / 1000 } ?? 0 }

    /// The text format of Prometheus.
    func metrics(nowMs: Int) -> String {
        var text = ""
        func gauge(_ name: String, _ help: String, _ value: Int) {
            text += "# HELP weir_gateway_outbox_\(name) \(help)\n# TYPE weir_gateway_outbox_\(name) gauge\n"
            text += "weir_gateway_outbox_\(name) \(value)\n"
        }
        gauge("rows", "Settlements that the ledger is not known to have.", rows)
        gauge("bytes", "What they take.", bytes)
        gauge("limit_bytes", "What they may take; then nothing new is admitted.", limitBytes)
        gauge("oldest_seconds", "Age of the oldest.", oldestSeconds(nowMs: nowMs))
        gauge("failing", "1 while the outbox is full or cannot be written.", problem == nil ? 0 : 1)
        return text
    }
}
