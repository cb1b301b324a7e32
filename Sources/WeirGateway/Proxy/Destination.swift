import WeirCore
import WeirProviders

/// Where a call goes, and with which of the operator's keys: the provider with the provider's, or the product's own
/// upstream with that upstream's. A key and the address it belongs to come from one place, never from two.
struct Destination {
    let base: ProviderBase
    /// Nil: the upstream takes none.
    let key: Secret?

    /// The node does not have what the call needs.
    struct Missing: Error { let message: String }

    init(of provider: Dialect, upstream: Policy.Upstream?, node: GatewayNode) throws(Missing) {
        guard let upstream else {
            let (base, provider) = node.provider(provider)
            guard let key = provider.key else { throw Missing(message: "This provider is not set up here.") }
            (self.base, self.key) = (base, key)
            return
        }
        guard let base = ProviderBase(upstream.url) else {
            throw Missing(message: "This product's upstream has no usable address.")
        }
        self.base = base
        guard let variable = upstream.keyVariable else {
            key = nil
            return
        }
        guard let key = node.configuration.upstreamKeys[variable] else {
            throw Missing(message: "This product's upstream is not set up here: the gateway has no \(variable).")
        }
        self.key = key
    }
}
