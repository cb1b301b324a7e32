import Crypto
import WeirCore
import WeirLedger
import WeirTelemetry

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What is sent of an alert.
struct AlertMessage: Sendable, Equatable {
    let body: [UInt8]
    let headers: [String: String]

    /// - Parameter secret: signs it, so that the receiver knows who sent it and when; nil: it is not signed.
    init(_ record: AlertRecord, form: Policy.Alerts.Form, secret: [UInt8]?, nowMs: Int) {
        body = form == .slack ? Self.slack(record) : Self.json(record)
        // The same for every attempt, so that a receiver can tell a repetition.
        var headers = ["weir-alert-id": "\(record.id)"]
        if let secret { headers["weir-signature"] = Self.signature(of: body, secret: secret, seconds: nowMs / 1000) }
        self.headers = headers
    }

    /// `t=<unix seconds>,v1=<hex>`: HMAC-SHA256 of `<unix seconds>.<body>`. The time is part of what is signed, so that an old
    /// message cannot be sent again later.
    static func signature(of body: [UInt8], secret: [UInt8], seconds: Int) -> String {
        let code = HMAC<SHA256>.authenticationCode(
            for: Array("\(seconds).".utf8) + body, using: SymmetricKey(data: secret))
        let hex = code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return "t=\(seconds),v1=\(hex)"
    }

    private static func json(_ record: AlertRecord) -> [UInt8] {
        let alert = record.alert
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("id", record.id)
        writer.member("kind", alert.kind.rawValue)
        writer.member("severity", alert.severity.rawValue)
        writer.member("subject", alert.subject)
        writer.member("period", alert.period)
        writer.member("at", JSONLogHandler.timestamp(ms: alert.atMs))
        writer.member("text", alert.text)
        writer.key("details")
        writer.beginObject()
        for (name, value) in alert.details.sorted(by: { $0.key < $1.key }) {
            writer.key(text: name)
            writer.string(value)
        }
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }

    /// Source: https://api.slack.com/messaging/webhooks; `&`, `<` and `>` stand for links and mentions there.
    private static func slack(_ record: AlertRecord) -> [UInt8] {
        var text = ""
        for character in record.alert.text {
            switch character {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            default: text.append(character)
            }
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("text", "*Weir, \(record.alert.severity.rawValue)*: \(text)")
        writer.endObject()
        return writer.bytes
    }
}

extension Policy.Alerts {
    /// As the policy says, else by whose address it is.
    var formInForce: Form {
        if let form { return form }
        let isSlacks = webhook?.hasPrefix("https://hooks.slack.com/") ?? false
        return isSlacks ? .slack : .json
    }
}
