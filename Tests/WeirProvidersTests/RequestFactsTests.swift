import Testing
import WeirCore
import WeirProviders

@Suite struct RequestFactsTests {
    private func facts(_ body: String, _ endpoint: Endpoint = .chatCompletions) throws(RequestError) -> RequestFacts {
        try RequestFacts(Array(body.utf8), endpoint: endpoint)
    }

    @Test func `an Anthropic request is read`() throws {
        let body = #"""
            {"model":"claude-sonnet-4-5","max_tokens":1024,"stream":true,"metadata":{"user_id":"u","model":"x"},
             "system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],
             "tools":[{"name":"get_weather","input_schema":{"type":"object","properties":{"type":{"type":"string"}}}}],
             "messages":[{"role":"user","content":[{"type":"text","text":"hi"},
              {"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}]}]}
            """#
        let facts = try facts(body, .messages)
        #expect(facts.model == "claude-sonnet-4-5")
        #expect(facts.maxOutputTokens == 1024)
        #expect(facts.isStreaming)
        #expect(facts.usesCache)
        #expect(facts.tools == 1)
        #expect(!facts.usesServerTools)
        #expect(facts.images == 1)
        #expect(facts.imageBytes == 12)
        #expect(facts.bodyBytes == body.utf8.count)
    }

    @Test func `an OpenAI request is read`() throws {
        let facts = try facts(
            #"""
            {"messages":[{"role":"user","content":[{"type":"text","text":"What is it?"},
             {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}},
             {"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}],
             "model":"gpt-4o","n":3,"max_tokens":100,"max_completion_tokens":200,"stream":true,
             "stream_options":{"include_usage":true},"temperature":0.7}
            """#)
        #expect(facts.model == "gpt-4o")
        #expect(facts.choices == 3)
        #expect(facts.maxOutputTokens == 200, "the larger of both bounds")
        #expect(facts.includesUsage)
        #expect(!facts.needsUsage)
        #expect(facts.images == 2)
        #expect(facts.imageBytes == "data:image/png;base64,AAAA".utf8.count)
    }

    @Test func `a bound that is null or absent is no bound`() throws {
        let facts = try facts(#"{"model":"m","max_tokens":null,"n":null,"stream":null,"stream_options":null}"#)
        #expect(facts.maxOutputTokens == nil)
        #expect(facts.choices == 1)
        #expect(!facts.isStreaming)
        #expect(try self.facts(#"{"model":"m","max_tokens":0}"#).maxOutputTokens == 0)
    }

    @Test(arguments: [
        ("", "ends inside"), ("[]", "needs an object"), ("\"x\"", "needs an object"), ("{}", "\"model\" is missing"),
        (#"{"max_tokens":1}"#, "\"model\" is missing"), (#"{"model":""}"#, "\"model\" must be a name"),
        (#"{"model":null}"#, "\"model\" must be a string"), (#"{"model":7}"#, "\"model\" must be a string"),
        (#"{"model":"a b"}"#, "\"model\" must be a name"), (#"{"model":"a\u0000"}"#, "\"model\" must be a name"),
        (#"{"model":"a","model":"b"}"#, "\"model\" appears twice"),
        (#"{"model":"a","mod\u0065l":"b"}"#, "\"model\" appears twice"),
        (#"{"model":"a","max_tokens":1,"max_tokens":9}"#, "\"max_tokens\" appears twice"),
        (#"{"model":"a","n":1,"\u006e":9}"#, "\"n\" appears twice"),
        (#"{"model":"a","stream":true,"stream":false}"#, "\"stream\" appears twice"),
        (#"{"model":"a","stream_options":{"include_usage":true,"include_usage":false}}"#, "appears twice"),
        (#"{"model":"a","messages":[],"messages":[]}"#, "\"messages\" appears twice"),
        (#"{"model":"a","max_tokens":-1}"#, "\"max_tokens\" must be from 0"),
        (#"{"model":"a","max_tokens":1.5}"#, "\"max_tokens\" must be an integer"),
        (#"{"model":"a","max_tokens":1e3}"#, "\"max_tokens\" must be an integer"),
        (#"{"model":"a","max_tokens":1e400}"#, "\"max_tokens\" must be an integer"),
        (#"{"model":"a","max_tokens":99999999999999999999}"#, "\"max_tokens\" must be an integer"),
        (#"{"model":"a","max_tokens":9007199254740992}"#, "\"max_tokens\" must be from 0"),
        (#"{"model":"a","max_tokens":"10"}"#, "\"max_tokens\" must be an integer"),
        (#"{"model":"a","n":0}"#, "\"n\" must be from 1"), (#"{"model":"a","n":129}"#, "\"n\" must be from 1"),
        (#"{"model":"a","n":true}"#, "\"n\" must be an integer"),
        (#"{"model":"a","stream":1}"#, "\"stream\" must be true or false"),
        (#"{"model":"a","stream":"true"}"#, "\"stream\" must be true or false"),
        (#"{"model":"a","stream_options":true}"#, "\"stream_options\" must be an object"),
        (#"{"model":"a","stream_options":{"include_usage":1}}"#, "include_usage\" must be true or false"),
        (#"{"model":"a","background":true}"#, "\"background\" must not be true"),
        (#"{"model":"a"} {"model":"b"}"#, "more text after"), (#"{"model":"a"}x"#, "more text after"),
        (#"{"model":"a",}"#, "needs a key"), (#"{"model":"a""#, "ends inside"),
        ("\u{FEFF}{\"model\":\"a\"}", "needs a value"),
        (#"{"model":"a","x":NaN}"#, "needs a value"), (#"{'model':"a"}"#, "needs a key"),
        (#"{"model":"\ud800"}"#, "surrogate"),
    ])
    func `a body that could be read two ways is refused, with what to do`(body: String, part: String) {
        #expect {
            try facts(body)
        } throws: {
            guard let error = $0 as? RequestError else { return false }
            return error.message.contains(part) && error.denial.reason == .invalidRequest
                && error.message.hasSuffix(".")
        }
    }

    @Test func `a name of more than 256 bytes is refused`() {
        #expect(throws: RequestError.self) { try facts(#"{"model":"\#(String(repeating: "a", count: 257))"}"#) }
    }

    @Test func `deep nesting is refused and not followed`() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: RequestError.self) { try facts(#"{"model":"a","messages":"# + deep) }
        let blocks = String(repeating: #"{"content":["#, count: 50_000)
        #expect(throws: RequestError.self) { try facts(#"{"model":"a","messages":["# + blocks) }
    }

    @Test(arguments: [
        // Only where the provider looks for images does data count as one.
        #"{"model":"a","messages":[{"role":"user","content":[{"type":"text","text":"x","source":{"type":"base64","data":"AAAA"}}]}]}"#,
        #"{"model":"a","messages":[{"role":"assistant","content":[{"type":"tool_use","input":{"type":"image","source":{"type":"base64","data":"AAAA"}}}]}]}"#,
        #"{"model":"a","messages":[{"role":"user","content":[{"type":"image","source":{"type":"text","data":"AAAA"}}]}]}"#,
        #"{"model":"a","tools":[{"name":"t","input_schema":{"content":[{"type":"image","source":{"type":"base64","data":"AAAA"}}]}}]}"#,
        #"{"model":"a","metadata":{"content":[{"type":"image","source":{"type":"base64","data":"AAAA"}}]}}"#,
        #"{"model":"a","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"AAAA"}}]}]}"#,
    ])
    func `text that looks like an image counts as text`(body: String) throws {
        for endpoint in [Endpoint.messages, .chatCompletions] {
            let facts = try facts(body, endpoint)
            #expect(facts.imageBytes == 0)
            #expect(facts.textBytes == body.utf8.count)
        }
    }

    @Test func `images in tool results and documents are found`() throws {
        let facts = try facts(
            #"""
            {"model":"a","messages":[{"role":"user","content":[
             {"type":"tool_result","tool_use_id":"t","content":[{"source":{"data":"AAAA","type":"base64"},"type":"image"}]},
             {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"BBBBBB"}},
             {"type":"document","source":{"type":"text","media_type":"text/plain","data":"plain"}}]}]}
            """#, .messages)
        #expect(facts.images == 1)
        #expect(facts.imageBytes == 4)
        #expect(facts.documents == 1, "a text document is text")
        #expect(facts.documentBytes == 6)
    }

    @Test(arguments: [
        (#""cache_control":{"type":"ephemeral"}"#, true), (#""cache\u005fcontrol":{"type":"ephemeral"}"#, true),
        (#""tools":[{"name":"t","cache_control":{"type":"ephemeral","ttl":"1h"}}]"#, true),
        (#""messages":[{"content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}]}]"#, true),
        (#""messages":[{"content":[{"type":"text","text":"cache_control","cache_control":null}]}]"#, false),
        (#""messages":[{"content":"\"cache_control\":{}"}]"#, false),
    ])
    func `a cache mark is found wherever it works`(member: String, usesCache: Bool) throws {
        #expect(try facts(#"{"model":"a",\#(member)}"#, .messages).usesCache == usesCache)
    }

    @Test(arguments: [
        (#""tools":[{"type":"web_search_20250305","name":"web_search"}]"#, true),
        (#""tools":[{"type":"custom","name":"t"},{"name":"u"}]"#, false), (#""tools":[{"type":"function"}]"#, false),
        (#""tools":[{"type":"bash_20250124","name":"bash"}]"#, false),
        (#""tools":[{"type":"code_execution_20250825"}]"#, true), (#""tools":[{"type":"unheard_of"}]"#, true),
        (#""web_search_options":{}"#, true), (#""web_search_options":null"#, false), (#""mcp_servers":[{}]"#, true),
    ])
    func `tools that the provider runs are noticed`(member: String, uses: Bool) throws {
        #expect(try facts(#"{"model":"a",\#(member)}"#, .messages).usesServerTools == uses)
    }

    @Test(arguments: [
        (Endpoint.messages, "max_tokens", true), (.messages, "max_completion_tokens", false),
        (.messages, "max_output_tokens", false), (.chatCompletions, "max_tokens", true),
        (.chatCompletions, "max_completion_tokens", true), (.chatCompletions, "max_output_tokens", false),
        (.responses, "max_tokens", false), (.responses, "max_output_tokens", true),
    ])
    func `a bound that the endpoint does not obey is none`(endpoint: Endpoint, field: String, counts: Bool) throws {
        #expect(try facts(#"{"model":"a","\#(field)":5}"#, endpoint).maxOutputTokens == (counts ? 5 : nil))
    }

    @Test(
        arguments: [
            (#""service_tier":"priority""#, "service_tier"), (#""service_tier":"default""#, nil),
            (#""service_tier":null"#, nil),
            (#""service_tier":"auto""#, nil), (#""speed":"fast""#, "speed"), (#""speed":"standard""#, nil),
            (#""inference_geo":"us""#, "inference_geo"), (#""inference_geo":"global""#, nil),
        ] as [(String, String?)])
    func `an option at another price is noticed`(member: String, option: String?) throws {
        #expect(try facts(#"{"model":"a",\#(member)}"#).unpricedOption == option)
    }

    @Test func `random changes of a body never trap, and never make a call unbounded`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        let body = Array(
            #"{"model":"gpt-4o","n":2,"max_tokens":10,"stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:,AA"}}]}],"tools":[{"type":"x"}]}"#
                .utf8)
        let model = try #require(try PriceTable.shipped().price(provider: "openai", model: "gpt-4o"))
        for _ in 0..<4_000 {
            var bytes = body
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: index)
                default: bytes.insert(body.randomElement(using: &random) ?? 0, at: index)
                }
            }
            guard let facts = try? RequestFacts(bytes, endpoint: .chatCompletions) else { continue }
            let estimate = facts.estimate(with: model)
            #expect(estimate.tokens <= 128_000 + 128 * 16_384, "seed \(seed)")
            #expect(estimate.cost >= estimate.observedCost, "seed \(seed)")
            _ = facts.rewritten(bytes, model: "x")
        }
    }

    @Test func `whichever asks for more answers multiplies`() throws {
        #expect(try facts(#"{"model":"m","best_of":5,"n":2}"#).choices == 5)
        #expect(try facts(#"{"model":"m","n":7,"best_of":5}"#).choices == 7)
        #expect(throws: RequestError.self) { try facts(#"{"model":"m","best_of":129}"#) }
    }

    @Test func `images that another model makes have no price here`() throws {
        let tools = #"{"model":"gpt-5","tools":[{"type":"function","name":"image_generation"},{"type":"KIND"}]}"#
        #expect(try facts(tools.replacing("KIND", with: "web_search"), .responses).unpricedOption == nil)
        let facts = try facts(tools.replacing("KIND", with: "image_generation"), .responses)
        #expect(facts.unpricedOption == "image_generation" && facts.usesServerTools)
    }
}
