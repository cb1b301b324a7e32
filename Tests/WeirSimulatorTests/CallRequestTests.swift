import Foundation
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

    @Test func `what is JSON and what is not agrees with Foundation`() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix64(state: seed)
        let alphabet = Array(#"{}[]:,"\/ue+-.0123456789 truefalsn"#.utf8)
        var refused = 0
        for round in 0..<20_000 {
            var text = Array(#"{"a":[1,-0.5e+3,true,false,null,"x\u0041\n\"\/"],"b":{"c":[],"d":{}, "e":[[0]]}}"#.utf8)
            for _ in 0...(round % 3) {
                let place = Int.random(in: 0..<text.count, using: &random)
                let byte = alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
                switch Int.random(in: 0..<3, using: &random) {
                case 0: text[place] = byte
                case 1: text.insert(byte, at: place)
                default: text.remove(at: place)
                }
            }
            let isObject = (try? JSONSerialization.jsonObject(with: Data(text))) is [String: Any]
            // Foundation overlooks a comma before a closing bracket, which RFC 8259 does not, and refuses numbers
            // that fit no Double, which it allows.
            let spelled = String(decoding: text, as: UTF8.self).filter { $0 != " " }
            guard !spelled.contains(",]"), !spelled.contains(",}"), !spelled.contains(/[eE][+-]?[0-9]{3}/) else {
                continue
            }
            let isRead: Bool
            do {
                _ = try CallRequest(ByteBuffer(bytes: text))
                isRead = true
            } catch {
                isRead = !error.message.contains("not a JSON object")
            }
            #expect(isRead == isObject, "seed \(seed): \(String(decoding: text, as: UTF8.self))")
            refused += isRead ? 0 : 1
        }
        // Both kinds must be there for the comparison to mean anything.
        #expect((1000..<19_000).contains(refused))
    }
}

/// Random numbers that a seed repeats.
private struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
