import Testing
import WeirProviders

@Suite struct RewritingTests {
    private func rewritten(
        _ body: String, _ endpoint: Endpoint = .chatCompletions, model: String? = nil, maxOutputTokens: Int? = nil
    ) throws -> String? {
        let bytes = Array(body.utf8)
        let facts = try RequestFacts(bytes, endpoint: endpoint)
        return facts.rewritten(bytes, model: model, maxOutputTokens: maxOutputTokens).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    @Test(arguments: [
        (#"{"model":"m","stream":true}"#, #"{"stream_options":{"include_usage":true},"model":"m","stream":true}"#),
        (
            #" { "model" : "m" , "stream" : true } "#,
            #" {"stream_options":{"include_usage":true}, "model" : "m" , "stream" : true } "#
        ),
        (
            #"{"model":"m","stream":true,"stream_options": null }"#,
            #"{"model":"m","stream":true,"stream_options": {"include_usage":true} }"#
        ),
        (
            #"{"model":"m","stream_options":{},"stream":true}"#,
            #"{"model":"m","stream_options":{"include_usage":true},"stream":true}"#
        ),
        (
            #"{"model":"m","stream":true,"stream_options":{ "include_obfuscation":false}}"#,
            #"{"model":"m","stream":true,"stream_options":{"include_usage":true, "include_obfuscation":false}}"#
        ),
        (
            #"{"model":"m","stream":true,"stream_options":{"a":[1], "include_usage": false }}"#,
            #"{"model":"m","stream":true,"stream_options":{"a":[1], "include_usage": true }}"#
        ),
        (
            #"{"model":"m","stream":true,"stream_options":{"include_usage":null}}"#,
            #"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#
        ),
    ])
    func `a chat stream is made to tell its usage, every other byte kept`(body: String, wanted: String) throws {
        #expect(try rewritten(body) == wanted)
        let facts = try RequestFacts(Array(wanted.utf8), endpoint: .chatCompletions)
        #expect(facts.includesUsage)
        #expect(!facts.needsUsage)
    }

    @Test func `a body that needs no change is forwarded as it is`() throws {
        #expect(try rewritten(#"{"model":"m"}"#) == nil)
        #expect(try rewritten(#"{"model":"m","stream":false}"#) == nil)
        #expect(try rewritten(#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#) == nil)
        #expect(try rewritten(#"{"model":"m","stream":true}"#, .messages) == nil)
        #expect(try rewritten(#"{"model":"m","stream":true}"#, .responses) == nil)
        #expect(try rewritten(#"{"model":"m"}"#, model: "m") == nil)
    }

    @Test func `the model is replaced in place`() throws {
        #expect(
            try rewritten(#"{"x":{"model":"a"}, "model" :  "a\u0062" ,"n":1}"#, .messages, model: "new\"")
                == #"{"x":{"model":"a"}, "model" :  "new\"" ,"n":1}"#)
        #expect(
            try rewritten(#"{"model":"a","stream":true}"#, model: "b")
                == #"{"stream_options":{"include_usage":true},"model":"b","stream":true}"#)
        #expect(
            try rewritten(#"{"stream_options":{},"stream":true,"model":"a"}"#, model: "b")
                == #"{"stream_options":{"include_usage":true},"stream":true,"model":"b"}"#)
    }

    @Test(arguments: [
        (#"{"model":"m", "max_tokens" : 100 ,"x":1}"#, Endpoint.messages, #"{"model":"m", "max_tokens" : 7 ,"x":1}"#),
        (#"{"model":"m"}"#, .messages, #"{"max_tokens":7,"model":"m"}"#),
        (#"{"model":"m"}"#, .chatCompletions, #"{"max_completion_tokens":7,"model":"m"}"#),
        (#"{"model":"m"}"#, .responses, #"{"max_output_tokens":7,"model":"m"}"#),
        (#"{"model":"m","max_tokens":null}"#, .chatCompletions, #"{"model":"m","max_tokens":7}"#),
        (
            #"{"max_completion_tokens":8,"model":"m","max_tokens":7}"#, .chatCompletions,
            #"{"max_completion_tokens":7,"model":"m","max_tokens":7}"#
        ),
        // Not this API's bound, and not one at all.
        (
            #"{"model":"m","max_tokens":100,"a":{"max_output_tokens":9}}"#, .responses,
            #"{"max_output_tokens":7,"model":"m","max_tokens":100,"a":{"max_output_tokens":9}}"#
        ),
        (
            #"{"model":"m","stream":true}"#, .chatCompletions,
            #"{"max_completion_tokens":7,"stream_options":{"include_usage":true},"model":"m","stream":true}"#
        ),
    ])
    func `a bound of output is lowered or added, every other byte kept`(
        body: String, endpoint: Endpoint, wanted: String
    ) throws {
        let result = try #require(try rewritten(body, endpoint, maxOutputTokens: 7))
        #expect(result == wanted)
        #expect(try RequestFacts(Array(result.utf8), endpoint: endpoint).maxOutputTokens == 7)
    }

    @Test(arguments: [
        (#"{"contents":[]}"#, #"{"generationConfig":{"maxOutputTokens":7},"contents":[]}"#),
        (#"{ }"#, #"{"generationConfig":{"maxOutputTokens":7} }"#),
        (#"{"generationConfig": null ,"x":1}"#, #"{"generationConfig": {"maxOutputTokens":7} ,"x":1}"#),
        (#"{"generation_config":{ }}"#, #"{"generation_config":{"maxOutputTokens":7 }}"#),
        (
            #"{"generationConfig":{"temperature":1}}"#,
            #"{"generationConfig":{"maxOutputTokens":7,"temperature":1}}"#
        ),
        (#"{"generationConfig":{"max_output_tokens": 99 }}"#, #"{"generationConfig":{"max_output_tokens": 7 }}"#),
        // Both mean that there is none.
        (#"{"generationConfig":{"maxOutputTokens":0}}"#, #"{"generationConfig":{"maxOutputTokens":7}}"#),
        (#"{"generationConfig":{"maxOutputTokens":null}}"#, #"{"generationConfig":{"maxOutputTokens":7}}"#),
    ])
    func `Gemini's bound of output is lowered or added inside its configuration`(body: String, wanted: String) throws {
        let bytes = Array(body.utf8)
        let facts = try RequestFacts(bytes, endpoint: .generateContent, pathModel: "m")
        let result = try #require(facts.rewritten(bytes, maxOutputTokens: 7))
        #expect(String(decoding: result, as: UTF8.self) == wanted)
        let again = try RequestFacts(result, endpoint: .generateContent, pathModel: "m")
        #expect(again.maxOutputTokens == 7)
        #expect(again.rewritten(result, maxOutputTokens: 7) == nil)
    }

    @Test func `a bound that is low enough stays`() throws {
        #expect(try rewritten(#"{"model":"m","max_tokens":7}"#, .messages, maxOutputTokens: 7) == nil)
        #expect(try rewritten(#"{"model":"m","max_tokens":3}"#, maxOutputTokens: 7) == nil)
    }
}
