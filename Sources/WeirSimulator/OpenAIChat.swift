import NIOCore

/// `POST /v1/chat/completions` as platform.openai.com describes it under "Chat" and "Chat streaming".
enum OpenAIChat: AnswerFormat {
    static func whole(_ plan: CallPlan, into buffer: inout ByteBuffer) {
        writeHead(plan, object: "chat.completion", into: &buffer)
        for choice in 0..<plan.choices {
            buffer.writeStaticString(choice == 0 ? #"{"index":"# : #",{"index":"#)
            buffer.writeDecimal(choice)
            buffer.writeStaticString(#","message":{"role":"assistant","content":"#)
            if let tool = plan.tool {
                buffer.writeStaticString(#"null,"refusal":null,"annotations":[],"tool_calls":[{"#)
                writeToolHead(plan, choice, tool, into: &buffer)
                buffer.writeStaticString(#"{\"text\":\""#)
                SampleText.write(0..<plan.textTokens, into: &buffer)
                buffer.writeStaticString(#"\"}"}}]"#)
            } else {
                buffer.writeInteger(UInt8(ascii: "\""))
                SampleText.write(0..<plan.textTokens, into: &buffer)
                buffer.writeStaticString(#"","refusal":null,"annotations":[]"#)
            }
            buffer.writeStaticString(#"},"logprobs":null,"finish_reason":""#)
            buffer.writeStaticString(finishReason(plan))
            buffer.writeStaticString(#""}"#)
        }
        buffer.writeInteger(UInt8(ascii: "]"))
        if let usage = plan.reports.first {
            buffer.writeStaticString(#","usage":"#)
            writeUsage(usage, into: &buffer)
        }
        buffer.writeInteger(UInt8(ascii: "}"))
    }

    static func opening(_ plan: CallPlan, into buffer: inout ByteBuffer) {
        for choice in 0..<plan.choices {
            writeChunkHead(plan, choice, into: &buffer)
            buffer.writeStaticString(#"{"role":"assistant","content":"#)
            if let tool = plan.tool {
                buffer.writeStaticString(#"null,"tool_calls":[{"index":0,"#)
                writeToolHead(plan, choice, tool, into: &buffer)
                buffer.writeStaticString(#""}}]"#)
            } else {
                buffer.writeStaticString(#""","refusal":null"#)
            }
            writeChunkTail(plan, finishReason: nil, into: &buffer)
        }
    }

    static func chunk(_ index: Int, _ plan: CallPlan, into buffer: inout ByteBuffer) {
        for choice in 0..<plan.choices {
            writeChunkHead(plan, choice, into: &buffer)
            if plan.tool == nil {
                buffer.writeStaticString(#"{"content":""#)
                SampleText.write(plan.textRange(ofChunk: index), into: &buffer)
                buffer.writeInteger(UInt8(ascii: "\""))
            } else {
                buffer.writeStaticString(#"{"tool_calls":[{"index":0,"function":{"arguments":""#)
                if index == 0 { buffer.writeStaticString(#"{\"text\":\""#) }
                SampleText.write(plan.textRange(ofChunk: index), into: &buffer)
                if index == plan.chunks - 1 { buffer.writeStaticString(#"\"}"#) }
                buffer.writeStaticString(#""}}]"#)
            }
            writeChunkTail(plan, finishReason: nil, into: &buffer)
        }
    }

    static func closing(_ plan: CallPlan, into buffer: inout ByteBuffer) {
        for choice in 0..<plan.choices {
            writeChunkHead(plan, choice, into: &buffer)
            buffer.writeInteger(UInt8(ascii: "{"))
            writeChunkTail(plan, finishReason: finishReason(plan), into: &buffer)
        }
        if plan.includesUsage {
            for usage in plan.reports {
                buffer.writeStaticString("data: ")
                writeHead(plan, object: "chat.completion.chunk", into: &buffer)
                buffer.writeStaticString(#"],"usage":"#)
                writeUsage(usage, into: &buffer)
                buffer.writeStaticString("}\n\n")
            }
        }
        buffer.writeStaticString("data: [DONE]\n\n")
    }

    /// Up to the opening bracket of the choices.
    private static func writeHead(_ plan: CallPlan, object: StaticString, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(#"{"id":""#)
        buffer.writeID("chatcmpl-", plan.id)
        buffer.writeStaticString(#"","object":""#)
        buffer.writeStaticString(object)
        buffer.writeStaticString(#"","created":"#)
        buffer.writeDecimal(plan.created)
        buffer.writeStaticString(#","model":"#)
        buffer.writeJSON(plan.model)
        buffer.writeStaticString(#","service_tier":"default","system_fingerprint":"fp_simulator","choices":["#)
    }

    private static func writeChunkHead(_ plan: CallPlan, _ choice: Int, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("data: ")
        writeHead(plan, object: "chat.completion.chunk", into: &buffer)
        buffer.writeStaticString(#"{"index":"#)
        buffer.writeDecimal(choice)
        buffer.writeStaticString(#","delta":"#)
    }

    /// From the end of the delta on. A stream that will report usage carries `null` before it does.
    private static func writeChunkTail(_ plan: CallPlan, finishReason: StaticString?, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(#"},"logprobs":null,"finish_reason":"#)
        if let finishReason {
            buffer.writeInteger(UInt8(ascii: "\""))
            buffer.writeStaticString(finishReason)
            buffer.writeInteger(UInt8(ascii: "\""))
        } else {
            buffer.writeStaticString("null")
        }
        buffer.writeStaticString(plan.includesUsage ? "}],\"usage\":null}\n\n" : "}]}\n\n")
    }

    /// Up to the arguments' content.
    private static func writeToolHead(
        _ plan: CallPlan, _ choice: Int, _ tool: String, into buffer: inout ByteBuffer
    ) {
        buffer.writeStaticString(#""id":""#)
        buffer.writeID("call_", plan.id)
        buffer.writeInteger(UInt8(ascii: "_"))
        buffer.writeDecimal(choice)
        buffer.writeStaticString(#"","type":"function","function":{"name":"#)
        buffer.writeJSON(tool)
        buffer.writeStaticString(#","arguments":""#)
    }

    private static func writeUsage(_ usage: SimulatedUsage, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(#"{"prompt_tokens":"#)
        buffer.writeDecimal(usage.prompt)
        buffer.writeStaticString(#","completion_tokens":"#)
        buffer.writeDecimal(usage.output)
        buffer.writeStaticString(#","total_tokens":"#)
        buffer.writeDecimal(usage.prompt + usage.output)
        buffer.writeStaticString(#","prompt_tokens_details":{"cached_tokens":"#)
        buffer.writeDecimal(usage.cacheRead)
        buffer.writeStaticString(#","audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":"#)
        buffer.writeDecimal(usage.reasoning)
        buffer.writeStaticString(
            #","audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#)
    }

    private static func finishReason(_ plan: CallPlan) -> StaticString {
        if plan.isCut { return "length" }
        return plan.tool == nil ? "stop" : "tool_calls"
    }
}
