import Hummingbird
import Logging
import NIOCore
import WeirCore

/// What is known of a request besides itself.
struct AdminContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// Where it comes from, for the audit.
    let address: String
    /// Who says to act, for the audit: the token proves the right, the name is the caller's word.
    var actor = "admin"

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        address = source.channel.remoteAddress?.ipAddress ?? "local"
    }
}

extension HTTPFields {
    /// The name of the person who acts, 1 to 128 characters of `[A-Za-z0-9._@:-]`.
    var weirActor: String? { first { $0.name.canonicalName == "weir-actor" }?.value }
}
