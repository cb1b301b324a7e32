import NIOCore
import NIOHTTP1
import WeirCore
import WeirProviders

/// Watches an answer pass and says what it cost. Changes it in one case only: where the gateway asked an OpenAI stream
/// for usage on its own account, the extra chunk is taken out again.
struct CallMeter {
    let endpoint: Endpoint
    let dialect: Dialect
    /// What the call is charged by, unless the answer names a model with another price.
    let price: ModelPrice
    let prices: PriceTable
    /// What is charged as input where the provider states none.
    let assumedInput: TokenUsage
    let hidesUsageChunk: Bool

    private var reader: UsageReader?
    private var filter: UsageChunkFilter?

    init(
        endpoint: Endpoint, dialect: Dialect, price: ModelPrice, prices: PriceTable, assumedInput: TokenUsage,
        hidesUsageChunk: Bool
    ) {
        self.endpoint = endpoint
        self.dialect = dialect
        self.price = price
        self.prices = prices
        self.assumedInput = assumedInput
        self.hidesUsageChunk = hidesUsageChunk
    }

    /// Whether the provider's `content-length` holds for the client.
    var keepsLength: Bool { filter == nil }

    /// The provider reported an error inside an answer that began as a success.
    var hasErrorInside: Bool { reader?.providerError != nil }

    mutating func begin(status: Int, headers: HTTPHeaders) {
        guard (200...299).contains(status) else { return }
        let isEventStream = headers.first(name: "content-type")?.hasPrefixIgnoringCase("text/event-stream") ?? false
        if endpoint.spends { reader = UsageReader(endpoint: endpoint, isEventStream: isEventStream) }
        if hidesUsageChunk, isEventStream { filter = UsageChunkFilter() }
    }

    /// - Returns: what the client is to be sent now; nil: nothing yet.
    mutating func observe(_ bytes: ByteBuffer) -> ByteBuffer? {
        bytes.withUnsafeReadableBytes { reader?.read($0) }
        guard filter != nil else { return bytes }
        switch bytes.withUnsafeReadableBytes({ filter?.filter($0) }) {
        case .replaced(let left): return left.isEmpty ? nil : ByteBuffer(bytes: left)
        case .unchanged, nil: return bytes
        }
    }

    /// The answer has ended as it should.
    /// - Returns: what is still owed to the client.
    mutating func end() -> ByteBuffer? {
        reader?.finish()
        guard let rest = filter?.finish(), !rest.isEmpty else { return nil }
        return ByteBuffer(bytes: rest)
    }

    /// Fills in what the call used and cost by now.
    func charge(_ charge: CallLife.Charge, to event: inout UsageEvent) {
        event.model = reader?.model ?? event.model
        event.toolUsed = reader?.firstTool
        guard endpoint.spends, charge != .nothing, charge != .nothingHappened else {
            (event.tokens, event.cost) = (.zero, .zero)
            return
        }
        let (usage, doubt) =
            reader?.charge(assumingInput: assumedInput) ?? (assumedInput, "the provider had not answered")
        event.tokens = usage
        event.cost = servingPrice(event.model).price.cost(of: usage)
        event.extra["estimated"] = doubt
    }

    /// A provider may serve another model than was asked for, and bills the one that served.
    private func servingPrice(_ model: String) -> ModelPrice {
        guard model != price.model else { return price }
        return prices.price(provider: dialect.rawValue, model: model) ?? price
    }
}
