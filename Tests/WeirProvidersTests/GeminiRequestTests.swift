import Testing
import WeirCore
import WeirProviders

@Suite struct GeminiRequestTests {
    private func facts(_ body: String) throws(RequestError) -> RequestFacts {
        try RequestFacts(Array(body.utf8), endpoint: .generateContent, pathModel: "gemini-2.5-pro")
    }

    @Test func `a request is read, and its model is the path's`() throws {
        let facts = try facts(
            #"""
            {"contents":[{"role":"user","parts":[{"text":"What is it?"},
               {"inlineData":{"mimeType":"image/png","data":"AAAA"}},{"inline_data":{"mime_type":"IMAGE/JPEG","data":"BBBBBBBB"}}]},
              {"role":"user","parts":[{"functionResponse":{"name":"f","response":{"parts":[{"inlineData":{}}]},
               "parts":[{"inlineData":{"mimeType":"application/pdf","data":"CCCC"}}]}}]}],
             "systemInstruction":{"parts":[{"text":"Be brief."}]},
             "tools":[{"functionDeclarations":[{"name":"f","parameters":{"googleSearch":{}}}]}],
             "generationConfig":{"maxOutputTokens":100,"candidateCount":3,"temperature":0.5,"responseModalities":["TEXT"]},
             "model":"models/gemini-2.5-pro","labels":{"a":"b"},"serviceTier":"standard"}
            """#)
        #expect(facts.model == "gemini-2.5-pro")
        #expect(facts.maxOutputTokens == 100)
        #expect(facts.choices == 3)
        #expect(facts.images == 2 && facts.imageBytes == 12)
        #expect(facts.documents == 1 && facts.documentBytes == 4)
        #expect(facts.tools == 1 && !facts.usesServerTools)
        #expect(facts.unpricedOption == nil)
        #expect(!facts.hasRemoteInput)
        #expect(facts.rewritten([], model: "gemini-2.5-flash") == nil, "the path names the model")
    }

    @Test(arguments: [
        (#""generation_config":{"max_output_tokens":7,"candidate_count":2}"#, 7, 2),
        (#""generationConfig":{"max_output_tokens":7}"#, 7, 1), (#""generationConfig":null"#, nil, 1),
        (#""generationConfig":{"maxOutputTokens":null,"candidateCount":null}"#, nil, 1),
        // Proto3: zero is not set.
        (#""generationConfig":{"maxOutputTokens":0,"candidateCount":0}"#, nil, 1),
        // Neither spelling: the provider does not know it either.
        (#""generationConfig":{"MaxOutputTokens":7,"max_outputTokens":7}"#, nil, 1),
    ])
    func `both spellings of a bound are read`(member: String, bound: Int?, choices: Int) throws {
        let facts = try facts("{\(member)}")
        #expect(facts.maxOutputTokens == bound)
        #expect(facts.choices == choices)
    }

    @Test(arguments: [
        (#""generationConfig":{},"generation_config":{}"#, "appears twice"),
        (#""generationConfig":{"maxOutputTokens":1,"max_output_tokens":9}"#, "appears twice"),
        (#""generationConfig":{"maxOutputTokens":1,"max\u004futputTokens":9}"#, "appears twice"),
        (#""tools":[],"tools":[]"#, "appears twice"),
        (#""contents":[{"parts":[{"inlineData":{},"inline_data":{}}]}]"#, "appears twice"),
        (#""generationConfig":{"maxOutputTokens":"100"}"#, "must be an integer"),
        (#""generationConfig":{"maxOutputTokens":1e3}"#, "must be an integer"),
        (#""generationConfig":{"maxOutputTokens":-1}"#, "from 0"),
        (#""generationConfig":{"candidateCount":129}"#, "from 0 to 128"),
        (#""generationConfig":{"candidateCount":true}"#, "must be an integer"),
        (#""generationConfig":[]"#, "must be an object"), (#""tools":{}"#, "must be an array"),
        (#""model":"models/gemini-2.5-flash-lite""#, "must be the model that the path names"),
        (#""model":7"#, "must be a string"),
        (#""generationConfig":{"responseModalities":"IMAGE"}"#, "must be an array"),
    ])
    func `what could mean two things to two readers is refused`(member: String, why: String) {
        #expect {
            _ = try facts("{\(member)}")
        } throws: { error in
            (error as? RequestError)?.message.contains(why) == true
        }
    }

    @Test(arguments: [
        (#""cachedContent":"cachedContents/x""#, true), (#""cached_content":"cachedContents/x""#, true),
        (#""tools":[{"googleSearch":{}}]"#, true), (#""tools":[{"code_execution":{}}]"#, true),
        (#""tools":[{"functionDeclarations":[]}]"#, false),
        (#""contents":[{"parts":[{"fileData":{"mimeType":"application/pdf","fileUri":"u"}}]}]"#, true),
        (#""contents":{"parts":{"text":"t"}}"#, false),
    ])
    func `input that the body does not show is bounded by the window`(member: String, isWindow: Bool) throws {
        let price = try #require(try PriceTable.shipped().price(provider: "gemini", model: "gemini-2.5-pro"))
        let estimate = try facts(#"{\#(member),"generationConfig":{"maxOutputTokens":1}}"#).estimate(with: price)
        #expect((estimate.tokens == price.contextWindow + 1) == isWindow)
    }

    @Test(arguments: [
        #""contents":[{"parts":[{"inlineData":{"mimeType":"audio/wav","data":"AA"}}]}]"#,
        #""contents":[{"parts":[{"fileData":{"mime_type":"Video/mp4","fileUri":"u"}}]}]"#,
        #""contents":[{"parts":[{"fileData":{"fileUri":"https://youtu.be/x"}}]}]"#,
        #""generationConfig":{"responseModalities":["TEXT","IMAGE"]}"#,
        #""generation_config":{"response_modalities":[3]}"#, #""serviceTier":"priority""#,
    ])
    func `what has a price of its own is not charged as text`(member: String) throws {
        #expect(try facts("{\(member)}").unpricedOption != nil)
    }

    @Test func `a call without a bound holds the model's ceiling, for each candidate`() throws {
        let price = try #require(try PriceTable.shipped().price(provider: "gemini", model: "gemini-2.5-pro"))
        for absurd in ["", #""maxOutputTokens":9007199254740991,"#] {
            let estimate = try facts(#"{"generationConfig":{\#(absurd)"candidateCount":4}}"#).estimate(with: price)
            #expect(estimate.tokens - 4 * 65_536 < 1_000 && estimate.tokens > 4 * 65_536)
        }
    }
}
