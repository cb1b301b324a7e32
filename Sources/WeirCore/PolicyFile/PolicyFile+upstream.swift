import Yams

extension PolicyFile {
    /// `upstream: https://models.internal`, or `{ url: https://…, key_env: WEIR_UPSTREAM_… }`.
    static func readUpstream(_ value: PolicyValue) -> Policy.Upstream? {
        guard value.node.mapping != nil else { return readURL(value).map { Policy.Upstream(url: $0) } }
        guard let fields = value.fields(of: "an upstream", known: ["url", "key_env"], required: ["url"]) else {
            return nil
        }
        let variable = fields["key_env"].flatMap { readVariable($0) }
        return fields["url"].flatMap { readURL($0) }.map { Policy.Upstream(url: $0, keyVariable: variable) }
    }

    private static func readURL(_ value: PolicyValue) -> String? {
        let remedy = "write http:// or https://, a host, and maybe a port and a path before /v1"
        guard let text = value.text(expecting: remedy) else { return nil }
        guard let base = ProviderBase(text) else {
            value.report("\(quoted(text)) is not the address of an API", remedy)
            return nil
        }
        return base.url
    }

    /// The key itself never stands in a policy, which every node and every viewer can read.
    private static func readVariable(_ value: PolicyValue) -> String? {
        let prefix = Policy.Upstream.variablePrefix
        let remedy = "name a variable of the gateway's environment that begins with \(prefix)"
        guard let text = value.text(expecting: remedy) else { return nil }
        let rest = text.utf8.dropFirst(prefix.utf8.count)
        guard text.hasPrefix(prefix), (1...100).contains(rest.count), !text.hasSuffix("_FILE"),
            rest.allSatisfy({
                (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "_")
            })
        else {
            value.report("\(quoted(text)) is not a variable for an upstream's key", remedy)
            return nil
        }
        return text
    }
}
