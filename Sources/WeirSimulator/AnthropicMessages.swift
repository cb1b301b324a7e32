import NIOCore

/// `POST /v1/messages` as docs.anthropic.com describes it under "Messages" and "Streaming messages".
enum AnthropicMessages: AnswerFormat {
    static func whole(_ plan: CallPlan, into buffer: inout ByteBuffer) {
        writeMessageHead(plan, into: &buffer)
        if let tool = plan.tool {
            writeToolHead(plan, tool, into: &buffer)
            buffer.writeStaticString(#","input":{"text":""#)
            SampleText.write(0..<plan.textTokens, into: &buffer)
            buffer.writeStaticString(#""}}],"stop_reason":""#)
        } else {
            buffer.writeStaticString(#"{"type":"text","text":""#)
            SampleText.write(0..<plan.textTokens, into: &buffer)
            buffer.writeStaticString(#""}],"stop_reason":""#)
        }
        buffer.writeStaticString(stopReason(plan))
        buffer.writeStaticString(#"","stop_sequence":null"#)
        if let usage = plan.reports.first {
            buffer.writeStaticString(#","usage":"#)
            writeUsage(usage, into: &buffer)
        }
        buffer.writeInteger(UInt8(ascii: "}"))
    }

    static func opening(_ plan: CallPlan, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("event: message_start\ndata: {\"type\":\"message_start\",\"message\":")
        writeMessageHead(plan, into: &buffer)
        buffer.writeStaticString(#"],"stop_reason":null,"stop_sequence":null"#)
        if let usage = plan.reports.first {
            buffer.writeStaticString(#","usage":"#)
            // The real API counts one token of output before it has made any.
            var start = usage
            start.output = min(usage.output, 1)
            start.reasoning = 0
            writeUsage(start, into: &buffer)
        }
        buffer.writeStaticString("}}\n\nevent: content_block_start\n")
        buffer.writeStaticString(#"data: {"type":"content_block_start","index":0,"content_block":"#)
        if let tool = plan.tool {
            writeToolHead(plan, tool, into: &buffer)
            buffer.writeStaticString(#","input":{}}"#)
        } else {
            buffer.writeStaticString(#"{"type":"text","text":""}"#)
        }
        buffer.writeStaticString("}\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\n")
    }

    static func chunk(_ index: Int, _ plan: CallPlan, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("event: content_block_delta\n")
        buffer.writeStaticString(#"data: {"type":"content_block_delta","index":0,"delta":"#)
        if plan.tool == nil {
            buffer.writeStaticString(#"{"type":"text_delta","text":""#)
            SampleText.write(plan.textRange(ofChunk: index), into: &buffer)
        } else {
            buffer.writeStaticString(#"{"type":"input_json_delta","partial_json":""#)
            if index == 0 { buffer.writeStaticString(#"{\"text\":\""#) }
            SampleText.write(plan.textRange(ofChunk: index), into: &buffer)
            if index == plan.chunks - 1 { buffer.writeStaticString(#"\"}"#) }
        }
        buffer.writeStaticString("\"}}\n\n")
    }

    static func closing(_ plan: CallPlan, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("event: content_block_stop\n")
        buffer.writeStaticString("data: {\"type\":\"content_block_stop\",\"index\":0}\n\n")
        let reports = plan.reports
        if reports.isEmpty { writeMessageDelta(plan, usage: nil, into: &buffer) }
        for usage in reports { writeMessageDelta(plan, usage: usage, into: &buffer) }
        buffer.writeStaticString("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")
    }

    /// Up to the opening bracket of the content.
    private static func writeMessageHead(_ plan: CallPlan, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(#"{"id":""#)
        buffer.writeID("msg_", plan.id)
        buffer.writeStaticString(#"","type":"message","role":"assistant","model":"#)
        buffer.writeJSON(plan.model)
        buffer.writeStaticString(#","content":["#)
    }

    /// Up to the input of the tool.
    private static func writeToolHead(_ plan: CallPlan, _ tool: String, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(#"{"type":"tool_use","id":""#)
        buffer.writeID("toolu_", plan.id)
        buffer.writeStaticString(#"","name":"#)
        buffer.writeJSON(tool)
    }

    private static func writeUsage(_ usage: SimulatedUsage, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(#"{"input_tokens":"#)
        buffer.writeDecimal(usage.freshInput)
        buffer.writeStaticString(#","cache_creation_input_tokens":"#)
        buffer.writeDecimal(usage.cacheWrite5m + usage.cacheWrite1h)
        buffer.writeStaticString(#","cache_read_input_tokens":"#)
        buffer.writeDecimal(usage.cacheRead)
        buffer.writeStaticString(#","cache_creation":{"ephemeral_5m_input_tokens":"#)
        buffer.writeDecimal(usage.cacheWrite5m)
        buffer.writeStaticString(#","ephemeral_1h_input_tokens":"#)
        buffer.writeDecimal(usage.cacheWrite1h)
        buffer.writeStaticString(#"},"output_tokens":"#)
        buffer.writeDecimal(usage.output)
        writeThinking(usage, into: &buffer)
        buffer.writeStaticString(#","service_tier":"standard"}"#)
    }

    /// The part of the output that was thinking; left out when there was none.
    private static func writeThinking(_ usage: SimulatedUsage, into buffer: inout ByteBuffer) {
        guard usage.reasoning != 0 else { return }
        buffer.writeStaticString(#","output_tokens_details":{"thinking_tokens":"#)
        buffer.writeDecimal(usage.reasoning)
        buffer.writeInteger(UInt8(ascii: "}"))
    }

    private static func writeMessageDelta(_ plan: CallPlan, usage: SimulatedUsage?, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("event: message_delta\n")
        buffer.writeStaticString(#"data: {"type":"message_delta","delta":{"stop_reason":""#)
        buffer.writeStaticString(stopReason(plan))
        buffer.writeStaticString(#"","stop_sequence":null}"#)
        if let usage {
            buffer.writeStaticString(#","usage":{"output_tokens":"#)
            buffer.writeDecimal(usage.output)
            writeThinking(usage, into: &buffer)
            buffer.writeInteger(UInt8(ascii: "}"))
        }
        buffer.writeStaticString("}\n\n")
    }

    private static func stopReason(_ plan: CallPlan) -> StaticString {
        if plan.isCut { return "max_tokens" }
        return plan.tool == nil ? "end_turn" : "tool_use"
    }
}
