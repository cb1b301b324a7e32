import NIOHTTP1

/// Which header fields go on, in each direction. Everything not named here passes unchanged and in its order.
enum HeaderFilter {
    /// The client's fields without those of the connection (RFC 9110 section 7.6.1), of the client's identity and of
    /// the way it came; framing and the provider's key are set by the sender.
    static func towardsProvider(_ headers: HTTPHeaders) -> Fields {
        let named = namesInConnection(headers)
        var kept: Fields = []
        kept.reserveCapacity(headers.count)
        for (name, value) in headers where !isDropped(name, towardsProvider: true) {
            if let named, named.contains(where: { $0.equalsIgnoringCase(name) }) { continue }
            kept.add(name: name, value: value)
        }
        return kept
    }

    /// The provider's fields without those of the connection, without those that would speak for this host (cookies,
    /// `server`, `alt-svc`, `strict-transport-security`), and without the limits of the operator's account, which all
    /// clients share: they would be taken for the caller's own.
    /// - Parameter isLimited: the provider's own 429. Anthropic then says to its clients by `…-unified-status` whether
    ///   repeating is of any use, which holds for every client of the account.
    /// - Parameter room: for so many fields more.
    static func towardsClient(
        _ headers: HTTPHeaders, keepingLength: Bool, isLimited: Bool = false, room: Int = 0
    ) -> Fields {
        let named = namesInConnection(headers)
        var kept: Fields = []
        kept.reserveCapacity(headers.count + room)
        for (name, value) in headers where !isDropped(name, towardsProvider: false) {
            if !keepingLength, name.utf8.count == 14, name.equalsIgnoringCase("content-length") { continue }
            if tellsLimits(name), !(isLimited && name.hasPrefixIgnoringCase("anthropic-ratelimit-unified-")) {
                continue
            }
            if let named, named.contains(where: { $0.equalsIgnoringCase(name) }) { continue }
            kept.add(name: name, value: value)
        }
        return kept
    }

    /// The fields that `Connection` names; nil when there is none, as in nearly every message.
    private static func namesInConnection(_ headers: HTTPHeaders) -> [Substring]? {
        var names: [Substring] = []
        for (name, value) in headers where name.utf8.count == 10 && name.equalsIgnoringCase("connection") {
            for part in value.split(separator: ",") {
                var part = part.drop { $0 == " " || $0 == "\t" }
                while let last = part.last, last == " " || last == "\t" { part.removeLast() }
                if !part.isEmpty { names.append(part) }
            }
        }
        return names.isEmpty ? nil : names
    }

    /// By length first: that alone settles it for most fields.
    private static func isDropped(_ name: String, towardsProvider: Bool) -> Bool {
        if name.hasPrefixIgnoringCase("weir-") { return true }
        let hopByHop: Bool
        switch name.utf8.count {
        case 2: hopByHop = name.equalsIgnoringCase("te")
        case 7: hopByHop = name.equalsIgnoringCase("trailer") || name.equalsIgnoringCase("upgrade")
        case 10: hopByHop = name.equalsIgnoringCase("connection") || name.equalsIgnoringCase("keep-alive")
        case 16: hopByHop = name.equalsIgnoringCase("proxy-connection")
        case 17: hopByHop = name.equalsIgnoringCase("transfer-encoding")
        case 18: hopByHop = name.equalsIgnoringCase("proxy-authenticate")
        case 19: hopByHop = name.equalsIgnoringCase("proxy-authorization")
        default: hopByHop = false
        }
        return hopByHop || (towardsProvider ? isDroppedTowardsProvider(name) : isDroppedTowardsClient(name))
    }

    private static func isDroppedTowardsProvider(_ name: String) -> Bool {
        switch name.utf8.count {
        case 3: return name.equalsIgnoringCase("via")
        case 4: return name.equalsIgnoringCase("host")
        case 6: return name.equalsIgnoringCase("cookie") || name.equalsIgnoringCase("expect")
        case 9:
            return name.equalsIgnoringCase("x-api-key") || name.equalsIgnoringCase("forwarded")
                || name.equalsIgnoringCase("x-real-ip")
        case 13: return name.equalsIgnoringCase("authorization")
        case 14: return name.equalsIgnoringCase("content-length") || isOfGoogleAccount(name)
        // Another method at the same path would be another call.
        case 22: return name.equalsIgnoringCase("x-http-method-override") || isOfGoogleAccount(name)
        case 15:
            return name.equalsIgnoringCase("accept-encoding") || name.hasPrefixIgnoringCase("x-forwarded-")
        default: return name.hasPrefixIgnoringCase("x-forwarded-") || isOfGoogleAccount(name)
        }
    }

    /// `x-goog-api-key`, and Google's system parameters, which choose the project that is billed
    /// (`x-goog-user-project`) or leave usage out of the answer (`x-goog-fieldmask`). What the client is stays.
    /// Source: https://cloud.google.com/apis/docs/system-parameters
    private static func isOfGoogleAccount(_ name: String) -> Bool {
        name.hasPrefixIgnoringCase("x-goog-") && !name.equalsIgnoringCase("x-goog-api-client")
    }

    /// `ratelimit…`, `x-ratelimit-…`, `anthropic-ratelimit-…`. Few fields begin like them.
    private static func tellsLimits(_ name: String) -> Bool {
        switch name.utf8.first {
        case UInt8(ascii: "r"), UInt8(ascii: "R"): name.hasPrefixIgnoringCase("ratelimit")
        case UInt8(ascii: "x"), UInt8(ascii: "X"): name.hasPrefixIgnoringCase("x-ratelimit-")
        case UInt8(ascii: "a"), UInt8(ascii: "A"): name.hasPrefixIgnoringCase("anthropic-ratelimit-")
        default: false
        }
    }

    private static func isDroppedTowardsClient(_ name: String) -> Bool {
        switch name.utf8.count {
        case 6: name.equalsIgnoringCase("server")
        case 7: name.equalsIgnoringCase("alt-svc")
        case 10: name.equalsIgnoringCase("set-cookie")
        case 25: name.equalsIgnoringCase("strict-transport-security")
        default: false
        }
    }
}
