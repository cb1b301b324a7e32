import NIOCore

/// `models/<model>:generateContent` as ai.google.dev describes it under "Generating content". A stream consists of
/// objects of the same form, each with the usage so far.
enum GeminiContent {
    static func whole(_ plan: CallPlan, into buffer: inout ByteBuffer) {
        writeCandidates(plan, text: 0..<plan.textTokens, hasTool: true, isLast: true, into: &buffer)
        writeTail(plan, usage: plan.reports.first, into: &buffer)
    }

    /// One object of a stream with the text of one chunk.
    static func part(_ index: Int, _ plan: CallPlan, into buffer: inout ByteBuffer) {
        writeCandidates(
            plan, text: plan.textRange(ofChunk: index), hasTool: index == 0, isLast: false, into: &buffer)
        let usage = plan.report == .exact ? plan.billed(afterChunks: index + 1) : nil
        writeTail(plan, usage: usage, into: &buffer)
    }

    /// An object without text: a stream's first, and those with its last words on usage.
    static func bare(_ plan: CallPlan, usage: SimulatedUsage?, isLast: Bool, into buffer: inout ByteBuffer) {
        writeCandidates(plan, text: 0..<0, hasTool: false, isLast: isLast, into: &buffer)
        writeTail(plan, usage: usage, into: &buffer)
    }

    private static func writeCandidates(
        _ plan: CallPlan, text: Range<Int>, hasTool: Bool, isLast: Bool, into buffer: inout ByteBuffer
    ) {
        buffer.writeStaticString(#"{"candidates":["#)
        for choice in 0..<plan.choices {
            if choice > 0 { buffer.writeInteger(UInt8(ascii: ",")) }
            buffer.writeStaticString(#"{"content":{"parts":[{"#)
            if hasTool, let tool = plan.tool {
                buffer.writeStaticString(#""functionCall":{"name":"#)
                buffer.writeJSON(tool)
                buffer.writeStaticString(#","args":{"text":""#)
                // A call is never sent in pieces.
                SampleText.write(0..<plan.textTokens, into: &buffer)
                buffer.writeStaticString(#""}}"#)
            } else {
                buffer.writeStaticString(#""text":""#)
                if plan.tool == nil { SampleText.write(text, into: &buffer) }
                buffer.writeInteger(UInt8(ascii: "\""))
            }
            buffer.writeStaticString(#"}],"role":"model"}"#)
            if isLast {
                buffer.writeStaticString(#","finishReason":""#)
                buffer.writeStaticString(plan.isCut ? "MAX_TOKENS" : "STOP")
                buffer.writeInteger(UInt8(ascii: "\""))
            }
            buffer.writeStaticString(#","index":"#)
            buffer.writeDecimal(choice)
            buffer.writeInteger(UInt8(ascii: "}"))
        }
        buffer.writeInteger(UInt8(ascii: "]"))
    }

    private static func writeTail(_ plan: CallPlan, usage: SimulatedUsage?, into buffer: inout ByteBuffer) {
        if let usage {
            // Thoughts are not among the candidates' tokens.
            let text = usage.output - usage.reasoning
            buffer.writeStaticString(#","usageMetadata":{"promptTokenCount":"#)
            buffer.writeDecimal(usage.prompt)
            if text != 0 {
                buffer.writeStaticString(#","candidatesTokenCount":"#)
                buffer.writeDecimal(text)
            }
            buffer.writeStaticString(#","totalTokenCount":"#)
            buffer.writeDecimal(usage.prompt + usage.output)
            if usage.cacheRead != 0 {
                buffer.writeStaticString(#","cachedContentTokenCount":"#)
                buffer.writeDecimal(usage.cacheRead)
            }
            if usage.reasoning != 0 {
                buffer.writeStaticString(#","thoughtsTokenCount":"#)
                buffer.writeDecimal(usage.reasoning)
            }
            buffer.writeInteger(UInt8(ascii: "}"))
        }
        buffer.writeStaticString(#","modelVersion":"#)
        buffer.writeJSON(plan.model)
        buffer.writeStaticString(#","responseId":""#)
        buffer.writeID("resp_", plan.id)
        buffer.writeStaticString(#""}"#)
    }
}

/// A stream with `alt=sse`. Google ends the lines of its events with CR LF.
enum GeminiEvents: AnswerFormat {
    static func whole(_ plan: CallPlan, into buffer: inout ByteBuffer) { GeminiContent.whole(plan, into: &buffer) }

    static func opening(_ plan: CallPlan, into buffer: inout ByteBuffer) {
        write(into: &buffer) { GeminiContent.bare(plan, usage: nil, isLast: false, into: &$0) }
    }

    static func chunk(_ index: Int, _ plan: CallPlan, into buffer: inout ByteBuffer) {
        write(into: &buffer) { GeminiContent.part(index, plan, into: &$0) }
    }

    static func closing(_ plan: CallPlan, into buffer: inout ByteBuffer) {
        for usage in GeminiContent.lastUsages(plan) {
            write(into: &buffer) { GeminiContent.bare(plan, usage: usage, isLast: true, into: &$0) }
        }
    }

    private static func write(into buffer: inout ByteBuffer, _ body: (inout ByteBuffer) -> Void) {
        buffer.writeStaticString("data: ")
        body(&buffer)
        buffer.writeStaticString("\r\n\r\n")
    }
}

/// A stream without `alt=sse`: one JSON array, element by element.
enum GeminiArray: AnswerFormat {
    static func whole(_ plan: CallPlan, into buffer: inout ByteBuffer) { GeminiContent.whole(plan, into: &buffer) }

    static func opening(_ plan: CallPlan, into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(ascii: "["))
        GeminiContent.bare(plan, usage: nil, isLast: false, into: &buffer)
    }

    static func chunk(_ index: Int, _ plan: CallPlan, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(",\r\n")
        GeminiContent.part(index, plan, into: &buffer)
    }

    static func closing(_ plan: CallPlan, into buffer: inout ByteBuffer) {
        for usage in GeminiContent.lastUsages(plan) {
            buffer.writeStaticString(",\r\n")
            GeminiContent.bare(plan, usage: usage, isLast: true, into: &buffer)
        }
        buffer.writeInteger(UInt8(ascii: "]"))
    }
}

extension GeminiContent {
    /// A stream ends at least once, with or without usage.
    static func lastUsages(_ plan: CallPlan) -> [SimulatedUsage?] {
        plan.reports.isEmpty ? [nil] : plan.reports
    }
}
