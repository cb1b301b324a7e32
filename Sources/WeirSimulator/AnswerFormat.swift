import NIOCore

/// How one endpoint writes an answer, whole or as a stream of three acts. Pure: bytes out of a plan.
protocol AnswerFormat: Sendable {
    /// The body of a plain answer.
    static func whole(_ plan: CallPlan, into buffer: inout ByteBuffer)
    /// The events before the first text.
    static func opening(_ plan: CallPlan, into buffer: inout ByteBuffer)
    /// The events of one chunk of text, counted from 0.
    static func chunk(_ index: Int, _ plan: CallPlan, into buffer: inout ByteBuffer)
    /// The events after the last text, usage among them.
    static func closing(_ plan: CallPlan, into buffer: inout ByteBuffer)
}

extension Endpoint {
    /// Nil where there is nothing to stream.
    var format: (any AnswerFormat.Type)? {
        switch self {
        case .messages: AnthropicMessages.self
        case .chatCompletions: OpenAIChat.self
        case .responses: OpenAIResponses.self
        case .generateContent: GeminiEvents.self
        case .countTokens, .countContentTokens, .embeddings, .models, .unknown: nil
        }
    }
}
