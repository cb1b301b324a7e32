import NIOCore

/// `POST /v1/responses` as platform.openai.com describes it under "Responses": one item of output, plain or streamed.
enum OpenAIResponses: AnswerFormat {
    static func whole(_ plan: CallPlan, into buffer: inout ByteBuffer) {
        writeResponse(plan, usage: plan.reports.first, isDone: true, into: &buffer)
    }

    static func opening(_ plan: CallPlan, into buffer: inout ByteBuffer) {
        for (number, name) in [(0, "response.created"), (1, "response.in_progress")] as [(Int, StaticString)] {
            writeEventHead(name, number, into: &buffer)
            buffer.writeStaticString(#","response":"#)
            writeResponse(plan, usage: nil, isDone: false, into: &buffer)
            buffer.writeStaticString("}\n\n")
        }
        writeEventHead("response.output_item.added", 2, into: &buffer)
        buffer.writeStaticString(#","output_index":0,"item":"#)
        writeItem(plan, isDone: false, into: &buffer)
        buffer.writeStaticString("}\n\n")
        guard plan.tool == nil else { return }
        writeEventHead("response.content_part.added", 3, into: &buffer)
        writeItemID(plan, into: &buffer)
        buffer.writeStaticString(#","content_index":0,"part":"#)
        writePart(plan, isDone: false, into: &buffer)
        buffer.writeStaticString("}\n\n")
    }

    static func chunk(_ index: Int, _ plan: CallPlan, into buffer: inout ByteBuffer) {
        let number = openingEvents(plan) + index
        if plan.tool == nil {
            writeEventHead("response.output_text.delta", number, into: &buffer)
            writeItemID(plan, into: &buffer)
            buffer.writeStaticString(#","content_index":0,"logprobs":[],"delta":""#)
            SampleText.write(plan.textRange(ofChunk: index), into: &buffer)
        } else {
            writeEventHead("response.function_call_arguments.delta", number, into: &buffer)
            writeItemID(plan, into: &buffer)
            buffer.writeStaticString(#","delta":""#)
            if index == 0 { buffer.writeStaticString(#"{\"text\":\""#) }
            SampleText.write(plan.textRange(ofChunk: index), into: &buffer)
            if index == plan.chunks - 1 { buffer.writeStaticString(#"\"}"#) }
        }
        buffer.writeStaticString("\"}\n\n")
    }

    static func closing(_ plan: CallPlan, into buffer: inout ByteBuffer) {
        var number = openingEvents(plan) + plan.chunks
        if plan.tool == nil {
            writeEventHead("response.output_text.done", number, into: &buffer)
            writeItemID(plan, into: &buffer)
            buffer.writeStaticString(#","content_index":0,"logprobs":[],"text":""#)
            SampleText.write(0..<plan.textTokens, into: &buffer)
            buffer.writeStaticString("\"}\n\n")
            writeEventHead("response.content_part.done", number + 1, into: &buffer)
            writeItemID(plan, into: &buffer)
            buffer.writeStaticString(#","content_index":0,"part":"#)
            writePart(plan, isDone: true, into: &buffer)
            buffer.writeStaticString("}\n\n")
            number += 2
        } else {
            writeEventHead("response.function_call_arguments.done", number, into: &buffer)
            writeItemID(plan, into: &buffer)
            buffer.writeStaticString(#","arguments":"#)
            writeArguments(plan, into: &buffer)
            buffer.writeStaticString("}\n\n")
            number += 1
        }
        writeEventHead("response.output_item.done", number, into: &buffer)
        buffer.writeStaticString(#","output_index":0,"item":"#)
        writeItem(plan, isDone: true, into: &buffer)
        buffer.writeStaticString("}\n\n")
        let reports: [SimulatedUsage?] = plan.reports.isEmpty ? [nil] : plan.reports
        for (index, usage) in reports.enumerated() {
            let name: StaticString = plan.isCut ? "response.incomplete" : "response.completed"
            writeEventHead(name, number + 1 + index, into: &buffer)
            buffer.writeStaticString(#","response":"#)
            writeResponse(plan, usage: usage, isDone: true, into: &buffer)
            buffer.writeStaticString("}\n\n")
        }
    }

    private static func openingEvents(_ plan: CallPlan) -> Int { plan.tool == nil ? 4 : 3 }

    private static func writeEventHead(_ name: StaticString, _ number: Int, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("event: ")
        buffer.writeStaticString(name)
        buffer.writeStaticString("\ndata: {\"type\":\"")
        buffer.writeStaticString(name)
        buffer.writeStaticString(#"","sequence_number":"#)
        buffer.writeDecimal(number)
    }

    private static func writeItemID(_ plan: CallPlan, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(#","item_id":""#)
        buffer.writeID(plan.tool == nil ? "msg_" : "fc_", plan.id)
        buffer.writeStaticString(#"","output_index":0"#)
    }

    private static func writeItem(_ plan: CallPlan, isDone: Bool, into buffer: inout ByteBuffer) {
        let status: StaticString = isDone ? (plan.isCut ? "incomplete" : "completed") : "in_progress"
        buffer.writeStaticString(#"{"id":""#)
        if let tool = plan.tool {
            buffer.writeID("fc_", plan.id)
            buffer.writeStaticString(#"","type":"function_call","call_id":""#)
            buffer.writeID("call_", plan.id)
            buffer.writeStaticString(#"","name":"#)
            buffer.writeJSON(tool)
            buffer.writeStaticString(#","arguments":"#)
            if isDone { writeArguments(plan, into: &buffer) } else { buffer.writeStaticString(#""""#) }
        } else {
            buffer.writeID("msg_", plan.id)
            buffer.writeStaticString(#"","type":"message","role":"assistant","content":["#)
            if isDone { writePart(plan, isDone: true, into: &buffer) }
            buffer.writeInteger(UInt8(ascii: "]"))
        }
        buffer.writeStaticString(#","status":""#)
        buffer.writeStaticString(status)
        buffer.writeStaticString(#""}"#)
    }

    private static func writePart(_ plan: CallPlan, isDone: Bool, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(#"{"type":"output_text","annotations":[],"logprobs":[],"text":""#)
        if isDone { SampleText.write(0..<plan.textTokens, into: &buffer) }
        buffer.writeStaticString(#""}"#)
    }

    private static func writeArguments(_ plan: CallPlan, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(#""{\"text\":\""#)
        SampleText.write(0..<plan.textTokens, into: &buffer)
        buffer.writeStaticString(#"\"}""#)
    }

    private static func writeResponse(
        _ plan: CallPlan, usage: SimulatedUsage?, isDone: Bool, into buffer: inout ByteBuffer
    ) {
        let status: StaticString = isDone ? (plan.isCut ? "incomplete" : "completed") : "in_progress"
        buffer.writeStaticString(#"{"id":""#)
        buffer.writeID("resp_", plan.id)
        buffer.writeStaticString(#"","object":"response","created_at":"#)
        buffer.writeDecimal(plan.created)
        buffer.writeStaticString(#","status":""#)
        buffer.writeStaticString(status)
        buffer.writeStaticString(#"","background":false,"error":null,"incomplete_details":"#)
        buffer.writeStaticString(isDone && plan.isCut ? #"{"reason":"max_output_tokens"}"# : "null")
        buffer.writeStaticString(#","instructions":null,"max_output_tokens":"#)
        if let maxTokens = plan.maxTokens { buffer.writeDecimal(maxTokens) } else { buffer.writeStaticString("null") }
        buffer.writeStaticString(#","model":"#)
        buffer.writeJSON(plan.model)
        buffer.writeStaticString(#","output":["#)
        if isDone { writeItem(plan, isDone: true, into: &buffer) }
        buffer.writeStaticString(
            #"],"parallel_tool_calls":true,"previous_response_id":null,"reasoning":{"effort":null,"#)
        buffer.writeStaticString(#""summary":null},"service_tier":"default","store":true,"temperature":1.0,"text":{"#)
        buffer.writeStaticString(#""format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":1.0,"#)
        buffer.writeStaticString(#""truncation":"disabled","user":null,"metadata":{},"usage":"#)
        if let usage { writeUsage(usage, into: &buffer) } else { buffer.writeStaticString("null") }
        buffer.writeInteger(UInt8(ascii: "}"))
    }

    private static func writeUsage(_ usage: SimulatedUsage, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(#"{"input_tokens":"#)
        buffer.writeDecimal(usage.prompt)
        buffer.writeStaticString(#","input_tokens_details":{"cached_tokens":"#)
        buffer.writeDecimal(usage.cacheRead)
        buffer.writeStaticString(#","cache_write_tokens":0},"output_tokens":"#)
        buffer.writeDecimal(usage.output)
        buffer.writeStaticString(#","output_tokens_details":{"reasoning_tokens":"#)
        buffer.writeDecimal(usage.reasoning)
        buffer.writeStaticString(#"},"total_tokens":"#)
        buffer.writeDecimal(usage.prompt + usage.output)
        buffer.writeInteger(UInt8(ascii: "}"))
    }
}
