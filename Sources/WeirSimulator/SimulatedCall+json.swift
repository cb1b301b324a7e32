import NIOCore

extension SimulatedCall {
    /// Writes the call as one line of JSON, as `GET /log` shows it.
    func writeLine(into buffer: inout ByteBuffer) {
        buffer.writeStaticString(#"{"id":"#)
        buffer.writeDecimal(id)
        buffer.writeStaticString(#","key":"#)
        buffer.writeJSON(key)
        buffer.writeStaticString(#","endpoint":"#)
        buffer.writeJSON(endpoint)
        buffer.writeStaticString(#","model":"#)
        buffer.writeJSON(model)
        buffer.writeStaticString(isStream ? #","stream":true,"input_tokens":"# : #","stream":false,"input_tokens":"#)
        buffer.writeDecimal(usage.freshInput)
        buffer.writeStaticString(#","cache_read_tokens":"#)
        buffer.writeDecimal(usage.cacheRead)
        buffer.writeStaticString(#","cache_write_5m_tokens":"#)
        buffer.writeDecimal(usage.cacheWrite5m)
        buffer.writeStaticString(#","cache_write_1h_tokens":"#)
        buffer.writeDecimal(usage.cacheWrite1h)
        buffer.writeStaticString(#","output_tokens":"#)
        buffer.writeDecimal(usage.output)
        buffer.writeStaticString(#","reasoning_tokens":"#)
        buffer.writeDecimal(usage.reasoning)
        buffer.writeStaticString(#","outcome":"#)
        buffer.writeJSON(outcome.rawValue)
        buffer.writeStaticString(#","status":"#)
        buffer.writeDecimal(status)
        buffer.writeStaticString(#","called_at_ms":"#)
        buffer.writeString(String(calledAtMs))
        buffer.writeStaticString(#","request":"#)
        if let request { buffer.writeJSON(request) } else { buffer.writeStaticString("null") }
        buffer.writeStaticString(#","request_headers":"#)
        writeHeaders(into: &buffer)
        buffer.writeStaticString("}\n")
    }

    /// Pairs of name and value, since a header may come twice.
    private func writeHeaders(into buffer: inout ByteBuffer) {
        guard let requestHeaders else {
            buffer.writeStaticString("null")
            return
        }
        buffer.writeInteger(UInt8(ascii: "["))
        for (index, header) in requestHeaders.enumerated() {
            buffer.writeStaticString(index == 0 ? "[" : ",[")
            buffer.writeJSON(header.name)
            buffer.writeInteger(UInt8(ascii: ","))
            buffer.writeJSON(header.value)
            buffer.writeInteger(UInt8(ascii: "]"))
        }
        buffer.writeInteger(UInt8(ascii: "]"))
    }
}
