import NIOCore

/// The answers that are never streamed: token counts, embeddings and lists of models.
enum SmallAnswers {
    /// `POST /v1/messages/count_tokens`, which costs nothing.
    static func tokenCount(_ plan: CallPlan, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(#"{"input_tokens":"#)
        buffer.writeDecimal(
            plan.usage.freshInput + plan.usage.cacheRead + plan.usage.cacheWrite5m + plan.usage.cacheWrite1h)
        buffer.writeInteger(UInt8(ascii: "}"))
    }

    /// `POST /v1beta/models/<model>:countTokens`, which costs nothing.
    static func contentTokenCount(_ plan: CallPlan, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(#"{"totalTokens":"#)
        buffer.writeDecimal(plan.usage.prompt)
        buffer.writeInteger(UInt8(ascii: "}"))
    }

    /// `POST /v1/embeddings`: the same vector of 1536 dimensions for every text, whatever `dimensions` asks for.
    static func embeddings(_ plan: CallPlan, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(#"{"object":"list","data":["#)
        for index in 0..<plan.inputs {
            buffer.writeStaticString(
                index == 0 ? #"{"object":"embedding","index":"# : #",{"object":"embedding","index":"#)
            buffer.writeDecimal(index)
            buffer.writeStaticString(#","embedding":"#)
            buffer.writeImmutableBuffer(plan.wantsBase64 ? base64Vector : listVector)
            buffer.writeInteger(UInt8(ascii: "}"))
        }
        buffer.writeStaticString(#"],"model":"#)
        buffer.writeJSON(plan.model)
        if let usage = plan.reports.first {
            buffer.writeStaticString(#","usage":{"prompt_tokens":"#)
            buffer.writeDecimal(usage.prompt)
            buffer.writeStaticString(#","total_tokens":"#)
            buffer.writeDecimal(usage.prompt)
            buffer.writeInteger(UInt8(ascii: "}"))
        }
        buffer.writeInteger(UInt8(ascii: "}"))
    }

    /// `GET /v1/models`.
    static func models(_ dialect: Endpoint.Dialect, into buffer: inout ByteBuffer) {
        switch dialect {
        case .anthropic: buffer.writeImmutableBuffer(anthropicModels)
        case .openAI: buffer.writeImmutableBuffer(openAIModels)
        case .gemini: buffer.writeImmutableBuffer(geminiModels)
        }
    }

    /// (0.5, -0.25, 0.125) over and over: three floats are twelve bytes, which base64 spells without padding.
    private static let listVector = ByteBuffer(
        string: "[" + Array(repeating: "0.5,-0.25,0.125", count: 512).joined(separator: ",") + "]")
    private static let base64Vector = ByteBuffer(
        string: "\"" + String(repeating: "AAAAPwAAgL4AAAA+", count: 512) + "\"")

    private static let anthropicModels: ByteBuffer = {
        let names = ["claude-opus-4", "claude-sonnet-4", "claude-haiku-4"]
        let models = names.map {
            #"{"type":"model","id":"\#($0)","display_name":"\#($0)","created_at":"2025-05-22T00:00:00Z"}"#
        }
        return ByteBuffer(
            string: #"{"data":[\#(models.joined(separator: ","))],"has_more":false,"first_id":"\#(names[0])","#
                + #""last_id":"\#(names[2])"}"#)
    }()

    private static let openAIModels: ByteBuffer = {
        let models = ["gpt-4o", "gpt-4o-mini", "text-embedding-3-small"].map {
            #"{"id":"\#($0)","object":"model","created":1715367049,"owned_by":"openai"}"#
        }
        return ByteBuffer(string: #"{"object":"list","data":[\#(models.joined(separator: ","))]}"#)
    }()

    private static let geminiModels: ByteBuffer = {
        let models = ["gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash-lite"].map {
            #"{"name":"models/\#($0)","version":"001","displayName":"\#($0)","inputTokenLimit":1048576,"#
                + #""outputTokenLimit":65536,"supportedGenerationMethods":["generateContent","countTokens"]}"#
        }
        return ByteBuffer(string: #"{"models":[\#(models.joined(separator: ","))]}"#)
    }()
}
