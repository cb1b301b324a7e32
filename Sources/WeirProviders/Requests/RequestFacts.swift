import WeirCore

/// What the gateway must know of a request's body before it may be forwarded: read once, nothing of it changed.
///
/// The reading is strict, so that the provider cannot see another request than the one that was metered: a field read
/// here that appears twice, in whatever spelling, is refused, and so is a value of another type.
package struct RequestFacts: Sendable, Equatable {
    package var endpoint: Endpoint
    /// As asked for, exactly; never empty, at most 256 bytes.
    package var model = ""
    package var isStreaming = false
    /// The greatest of the bounds the caller set; nil: none.
    package var maxOutputTokens: Int?
    /// Tokens of output set aside for thinking: no bound of output may be as low.
    package var thinkingTokens = 0
    /// Answers asked for (`n`).
    package var choices = 1
    /// The client itself asked for usage in an OpenAI chat stream.
    package var includesUsage = false

    /// Bytes of the whole body.
    package var bodyBytes = 0
    /// Bytes of images inside the body: they count as images, not as text.
    package var imageBytes = 0
    package var images = 0
    /// Bytes of documents inside the body.
    package var documentBytes = 0
    /// Documents whose length in tokens the body does not show: files, by data or by reference. Text is text.
    package var documents = 0
    /// Bytes of a predicted output: rejected parts of it are billed as output.
    package var predictionBytes = 0
    package var tools = 0
    /// Something asks the provider to write its prompt cache (Anthropic's `cache_control`).
    package var usesCache = false
    /// Tools with a description of the provider's own, run by the client (`bash_…`, `text_editor_…`).
    package var builtInTools = 0
    /// Tools that the provider runs itself, and whose results become input.
    package var usesServerTools = false
    /// Part of the input lies with the provider: an earlier response, a stored prompt, a container.
    package var hasRemoteInput = false

    /// Something (`service_tier`, `speed`, `inference_geo`, Gemini's audio) has another price than the table's: the
    /// estimate is then no bound, and the call is to be treated like one of a model without a price.
    package var unpricedOption: String?

    /// An upper bound of its input in tokens, where that is known and not the body.
    var statedInputTokens: Int?

    // Where the body may be rewritten.
    var modelRange = 0..<0
    /// Where bounds of output stand that the provider obeys, and what they say (`null`: nil).
    var outputBounds: [OutputBound] = []
    var streamOptions = StreamOptions.without(.absent)
    /// Gemini's, which its bound of output is in. An object here has no bound.
    var generationConfig = NestedObject.absent
    /// Just behind the body's opening brace.
    var firstMember = 0
    /// Whether there is anything in the body's object.
    var isEmpty = false

    struct OutputBound: Equatable {
        let range: Range<Int>
        let value: Int?
    }

    /// An object of the body that may have to get another member.
    enum NestedObject: Equatable {
        case absent
        /// `null`, at these bytes.
        case null(Range<Int>)
        /// Just behind its brace.
        case object(firstMember: Int, isEmpty: Bool)
    }

    /// What stands at `stream_options`.
    enum StreamOptions: Equatable {
        /// `include_usage` is not in it.
        case without(NestedObject)
        /// `include_usage`'s value, at these bytes.
        case includeUsage(Range<Int>)
    }

    /// What is left of the body once images and documents are taken out: text, and the JSON around it.
    package var textBytes: Int { max(0, bodyBytes - imageBytes - documentBytes) }

    init(endpoint: Endpoint) { self.endpoint = endpoint }

    /// A request without its body.
    /// - Parameter inputTokens: at most so many tokens of input; nil: what stands around any text.
    package init(endpoint: Endpoint, model: String, inputTokens: Int?, maxOutputTokens: Int?) {
        self.init(endpoint: endpoint)
        self.model = model
        self.maxOutputTokens = maxOutputTokens
        statedInputTokens = max(0, inputTokens ?? Self.hiddenTokens)
    }

    package init(_ body: [UInt8], endpoint: Endpoint, pathModel: String? = nil) throws(RequestError) {
        self = try body.withUnsafeBufferPointer { (buffer) throws(RequestError) in
            try RequestFacts(UnsafeRawBufferPointer(buffer), endpoint: endpoint, pathModel: pathModel)
        }
    }

    /// - Parameter pathModel: the model that the path names, for APIs that do not read it from the body.
    package init(_ body: UnsafeRawBufferPointer, endpoint: Endpoint, pathModel: String? = nil) throws(RequestError) {
        do throws(JSONError) {
            if let pathModel {
                var reading = GeminiRequestReading(endpoint: endpoint, model: pathModel)
                self = try reading.read(body)
            } else {
                var reading = RequestReading(endpoint: endpoint)
                self = try reading.read(body)
            }
        } catch {
            throw RequestError(cause: error)
        }
    }
}
