import Testing
import WeirProviders

@Suite struct ModelPathTests {
    @Test(arguments: [
        (
            "POST", "/v1beta/models/gemini-2.5-pro:generateContent", Endpoint.generateContent,
            "gemini-2.5-pro" as String?, false
        ),
        ("POST", "/v1/models/gemini-2.5-pro:streamGenerateContent", .generateContent, "gemini-2.5-pro", true),
        ("POST", "/v1beta/models/g:countTokens", .countContentTokens, "g", false),
        ("GET", "/v1beta/models/gemini-2.5-pro", .models, "gemini-2.5-pro", false),
        ("GET", "/v1/models/ft:gpt-4o:acme::1", .models, "ft:gpt-4o:acme::1", false),
        ("GET", "/v1beta/models", .models, nil, false),
    ])
    func `a path names endpoint and model, and is written as it was read`(
        method: String, path: String, endpoint: Endpoint, model: String?, isStreaming: Bool
    ) throws {
        let found = try #require(ModelPath(method: method, path: path))
        #expect(found.endpoint == endpoint)
        #expect(found.model == model)
        #expect(found.isStreaming == isStreaming)
        #expect(found.text == path)
    }

    @Test(arguments: [
        "/v1beta/models/g:batchGenerateContent", "/v1beta/models/g:predict", "/v1beta/models/g:embedContent",
        "/v1beta/models/g:generatecontent", "/v1beta/models/:generateContent", "/v1beta/models/g",
        "/v1beta/models/a/b:generateContent", "/v1beta/models/..:generateContent", "/v1beta/models/.:generateContent",
        "/v1beta/models/g%2Fx:generateContent", "/v1beta/models/g:x:generateContent", "/v1beta/models",
        "/v1beta/models/", "/v1beta/tunedModels/g:generateContent", "/v1beta/cachedContents", "/v1beta/files",
        "/v2/models/g:generateContent", "/v1beta//models/g:generateContent", "/v1beta/modelsx:generateContent",
        "/v1beta/models/g:generateContent/", "v1beta/models/g:generateContent", "", "/v1", "/v1beta/interactions",
    ])
    func `nothing else is a call`(path: String) { #expect(ModelPath(method: "POST", path: path) == nil) }

    @Test(arguments: ["/v1beta/models/../x", "/v1beta/models/a/b", "/v1beta/models/", "/v1/models", "/v1beta/modelsx"])
    func `nothing else is looked up`(path: String) { #expect(ModelPath(method: "GET", path: path) == nil) }
}
