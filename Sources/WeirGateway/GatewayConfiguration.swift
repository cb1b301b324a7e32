import WeirCore

/// Everything that can be set about a gateway node. Checked once, by ``problem``, before it starts.
package struct GatewayConfiguration: Sendable {
    /// Where clients come in. Port 0 takes any free port.
    package var listen: Address
    /// Where health and metrics are asked for; nil: nowhere. Loopback by default, since it tells about the node.
    package var operations: Address?

    package var anthropic: Provider
    package var openAI: Provider
    package var gemini: Provider
    /// Keys for the upstreams of products, by the variable that a policy names (``Policy/Upstream``).
    package var upstreamKeys: [String: Secret] = [:]
    package var limits = Limits()
    /// The proxies before this node that are believed about where a request comes from.
    package var trustedProxies = TrustedProxies.none
    package var deadlines = Deadlines()
    package var drain = Drain()

    package struct Address: Sendable, Hashable {
        package var host: String
        package var port: Int
        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }

    /// One provider's API.
    package struct Provider: Sendable {
        /// Scheme, host and maybe port and path before `/v1`: `https://api.anthropic.com`.
        package var url: String
        /// The operator's key for it. Nil: every call to it is answered 502 without being sent.
        package var key: Secret?
        package init(url: String, key: Secret?) {
            self.url = url
            self.key = key
        }
    }

    /// What one node takes in at most.
    package struct Limits: Sendable {
        /// Names and values of all header fields together. Real clients send 1 to 2 kB; nginx and Envoy stop at 32 to
        /// 60.
        package var headerBytes = 32 * 1024
        /// One name and value, and the request's target.
        package var headerFieldBytes = 16 * 1024
        package var headerFields = 100
        /// The request's target. The API's own are below 100 bytes.
        package var targetBytes = 4 * 1024
        /// A request's body, which is held in memory whole, because the estimate needs it. Anthropic takes 32 MB;
        /// conversations with a few images stay below 10.
        package var bodyBytes = 10 * 1024 * 1024
        /// All bodies that the node holds at once; a request beyond it is answered 503. Keeps a few hundred large
        /// uploads from ending the process.
        package var bodyBytesInAll = 256 * 1024 * 1024
        /// Connections of clients. 10,000 open streams are the node's goal; as many again wait at most.
        package var connections = 20_000
        /// Connections from one address (an IPv6 /64 counts as one), so that nobody takes them all. Half, since
        /// behind a balancer all come from one address: raise it there.
        package var connectionsPerAddress = 10_000
        /// Bytes that wait for one client before the provider is read no further.
        package var unsentBytes = 64 * 1024

        package init() {}
    }

    /// How long a node waits for others.
    package struct Deadlines: Sendable {
        /// From the connection's start to its first whole header.
        package var header: Duration = .seconds(10)
        /// Between two pieces of a request's body, and for all of it.
        package var bodyProgress: Duration = .seconds(10)
        package var body: Duration = .seconds(300)
        /// A kept connection without a request. Above the 60 s for which balancers keep theirs, so that they are the
        /// ones to close.
        package var idleConnection: Duration = .seconds(75)
        /// For a client that reads so slowly that ``Limits/unsentBytes`` do not drain by half.
        package var writeProgress: Duration = .seconds(60)
        package var connect: Duration = .seconds(5)
        /// From sending a request to the head of its answer. A plain call answers only when the model is done; the
        /// providers' own SDKs wait 10 minutes.
        package var providerHead: Duration = .seconds(600)
        /// Between two pieces of an answer. Providers send pings or tokens every few seconds.
        package var providerIdle: Duration = .seconds(120)
        /// A kept connection to a provider without a call: shorter than what servers keep (Node.js and uvicorn 5 s,
        /// most others 60 s and more), since a call sent on a connection that just closed cannot be repeated safely.
        package var providerConnectionIdle: Duration = .seconds(4)
        /// How often deadlines and leases are looked at.
        package var check: Duration = .milliseconds(250)

        package init() {}
    }

    /// What happens to an answer whose client has gone: it is read on, since only its end says what it cost.
    package struct Drain: Sendable {
        /// Beyond either the call is cancelled and charged what was observed.
        package var bytes = 4 * 1024 * 1024
        package var time: Duration = .seconds(30)
        /// Answers drained at once by one node; further ones are cancelled at once.
        package var atOnce = 256

        package init() {}
    }

    package init(
        listen: Address, operations: Address?, anthropic: Provider, openAI: Provider,
        gemini: Provider = Provider(url: "https://generativelanguage.googleapis.com", key: nil)
    ) {
        self.listen = listen
        self.operations = operations
        self.anthropic = anthropic
        self.openAI = openAI
        self.gemini = gemini
    }

    /// What makes this configuration unfit, in words for the operator; nil when it is fit.
    package var problem: String? {
        for (name, provider) in [("anthropic", anthropic), ("openai", openAI), ("gemini", gemini)] {
            guard ProviderBase(provider.url) != nil else {
                return "the \(name) URL must be http:// or https:// with a host and without user, query or fragment"
            }
        }
        let positive = [
            limits.headerBytes, limits.headerFieldBytes, limits.headerFields, limits.targetBytes, limits.bodyBytes,
            limits.bodyBytesInAll, limits.connections, limits.connectionsPerAddress, limits.unsentBytes,
        ]
        guard positive.allSatisfy({ $0 > 0 && $0 <= Int(UInt32.max) }) else {
            return "every limit must be between 1 and 4294967295"
        }
        let spans = [
            deadlines.header, deadlines.bodyProgress, deadlines.body, deadlines.idleConnection,
            deadlines.writeProgress, deadlines.connect, deadlines.providerHead, deadlines.providerIdle,
            deadlines.providerConnectionIdle, deadlines.check, drain.time,
        ]
        guard spans.allSatisfy({ $0 > .zero && $0 <= .seconds(86_400) }) else {
            return "every deadline must be above zero and at most a day"
        }
        guard drain.bytes >= 0, drain.atOnce >= 0 else { return "the drain's caps must not be negative" }
        return nil
    }
}
