import NIOCore
import Testing

@testable import WeirSimulator

@Suite struct CallRequestTests {
    private func read(_ text: String) throws -> CallRequest { try CallRequest(ByteBuffer(string: text)) }

    @Test func `every field that matters is found, wherever it stands`() throws {
        let request = try read(
            #" {"messages":[{"content":"{\"model\":\"no\",\\\"stream\":true}"},1,[]],"temperature":-1.5e-3,"n":2,"#
                + #""stream":true,"stream_options":{"other":[],"include_usage":true},"max_tokens":7,"tools":[{}],"#
                + #""mod\u0065l":"caf\u00e9 \ud83d\ude00\n","metadata":null} "#)
        #expect(request.model == "café 😀\n" && request.isStream && request.includesUsage)
        #expect(request.maxTokens == 7 && request.choices == 2 && request.hasMessages)
    }

    @Test func `of a repeated key the last value counts`() throws {
        let request = try read(#"{"model":"a","model":"b","max_tokens":1,"max_tokens":null,"n":4,"n":1}"#)
        #expect(request.model == "b" && request.maxTokens == nil && request.choices == 1)
    }

    @Test(arguments: [
        "", "[]", "{", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{"a":01}"#, #"{"a":1.}"#, #"{"a":tru}"#, #"{"a":"\x"}"#,
        #"{"a":"\u12"}"#, "{\"a\":\"\n\"}", #"{"a":1}x"#, #"{"a":[1 2]}"#, #"{a:1}"#, #"{"model":"x"#, "{\"a\":\"\\",
        "{\"a\":" + String(repeating: "[", count: 5000), "{\"a\":-}", "{\"stream\":}", "null",
    ])
    func `what is not a JSON object is refused`(text: String) {
        let fault = #expect(throws: CallRequest.Fault.self) { try read(text) }
        #expect(fault?.message.contains("not a JSON object") == true)
    }

    @Test(arguments: [
        (#"{"stream":"true"}"#, "stream"), (#"{"stream":1}"#, "stream"), (#"{"n":0}"#, "n"), (#"{"n":129}"#, "n"),
        (#"{"max_tokens":-1}"#, "max_tokens"), (#"{"max_tokens":1.5}"#, "max_tokens"), (#"{"model":1}"#, "model"),
        (#"{"max_tokens":99999999999999999999}"#, "max_tokens"), (#"{"max_tokens":"5"}"#, "max_tokens"),
        (#"{"messages":{}}"#, "messages"), (#"{"stream_options":[]}"#, "stream_options"),
        (#"{"stream_options":{"include_usage":1}}"#, "stream_options.include_usage"), (#"{"n":1e400}"#, "n"),
    ])
    func `a field of a wrong type or out of range is refused by name`(text: String, parameter: String) {
        let fault = #expect(throws: CallRequest.Fault.self) { try read(text) }
        #expect(fault?.parameter == parameter)
    }

    @Test func `no prefix of a request traps`() {
        let text = Array(
            #"{"model":"a\u00e9","n":2,"stream_options":{"include_usage":true},"messages":[{"a":-1.5e3}]}"#.utf8)
        for length in 0..<text.count {
            #expect(throws: CallRequest.Fault.self) { try CallRequest(ByteBuffer(bytes: text[..<length])) }
        }
    }
}
