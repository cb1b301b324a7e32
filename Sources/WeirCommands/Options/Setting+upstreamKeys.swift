import WeirCore
import WeirGateway

extension Setting {
    /// Keys for the upstreams of products, by the variable that a policy names: each `WEIR_UPSTREAM_…` of the
    /// environment; one that ends in `_FILE` names a file with the key of the variable without that ending.
    static func upstreamKeys() throws(SettingError) -> [String: Secret] {
        var keys: [String: Secret] = [:]
        for (variable, value) in environment where variable.hasPrefix(Policy.Upstream.variablePrefix) && !value.isEmpty
        {
            let isFile = variable.hasSuffix("_FILE")
            let name = isFile ? String(variable.dropLast("_FILE".count)) : variable
            guard let secret = Secret(isFile ? try text(fileOf: variable, at: value) : value) else {
                throw .notForHeader(variable)
            }
            guard keys.updateValue(secret, forKey: name) == nil else {
                throw SettingError(description: "\(name) is given twice: as itself and by \(name)_FILE")
            }
        }
        return keys
    }
}
