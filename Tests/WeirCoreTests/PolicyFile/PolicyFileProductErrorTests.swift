import Testing
import WeirCore

@Suite struct PolicyFileProductErrorTests {
    @Test func `a billable product serves nobody without a key`() {
        let text = """
            products:
              default: { class: ai, billable: true, anonymous: true }
            classes: { ai: {} }
            """
        #expect(
            policyErrors(text) == [
                "p.yaml:2:52: products.default.anonymous: a billable call without a team is denied, never free; set billable: false, or leave anonymous out"
            ])
    }

    @Test(arguments: [
        ("b: { class: ai, aliases: [a] }", ["the alias a already means a; choose another alias"]),
        ("b: { class: ai, aliases: [x, x] }", ["the alias x already means b; choose another alias"]),
        ("v1: { class: ai }", ["v1 is a path of the gateway; choose another name"]),
        (
            "b: { class: ai, resource: credits }",
            ["only billable calls draw on a resource; set billable: true, or leave resource out"]
        ),
        (
            "b: { class: ai, models: [m], rewrite: { x: y } }",
            ["y is not among the product's models; add it to models"]
        ),
        (
            "b: { class: ai, rewrite: { x: y, y: z } }",
            ["y is rewritten itself; name the model that serves in the end"]
        ),
        ("b: { class: ai, models: [] }", ["is an empty list; name at least one, or leave the field out"]),
        ("b: { class: ai, outage: { open_for: 2d } }", ["is longer than a day; use at most 1d"]),
        ("B: { class: ai }", ["'B' cannot be the name of a product; use 1 to 64 of a-z, 0-9, _ and -"]),
    ])
    func `product names and aliases are unambiguous`(product: String, messages: [String]) {
        let text = "products:\n  a: { class: ai }\n  \(product)\nclasses: { ai: {} }"
        let found = policyErrors(text)
        #expect(found.count == messages.count)
        for (error, message) in zip(found, messages) { #expect(error.hasSuffix(": \(message)")) }
    }

    @Test(arguments: [
        ("models.internal", "upstream: 'models.internal' is not the address of an API"),
        ("ftp://x", "upstream: 'ftp://x' is not the address of an API"),
        ("https://user@x", "upstream: 'https://user@x' is not the address of an API"),
        ("[https://x]", "upstream: is a list"), ("{ key_env: WEIR_UPSTREAM_X }", "upstream.url: is missing"),
        ("{ url: https://x, key: secret }", "upstream.key: is not a field of an upstream"),
        // Any other variable may hold another secret of the gateway's.
        ("{ url: https://x, key_env: WEIR_OPENAI_KEY }", "'WEIR_OPENAI_KEY' is not a variable for an upstream's key"),
        ("{ url: https://x, key_env: WEIR_UPSTREAM_ }", "'WEIR_UPSTREAM_' is not a variable"),
        ("{ url: https://x, key_env: WEIR_UPSTREAM_X_FILE }", "'WEIR_UPSTREAM_X_FILE' is not a variable"),
        ("{ url: https://x, key_env: weir_upstream_x }", "'weir_upstream_x' is not a variable"),
    ])
    func `an upstream is an address, and its key a variable made for it`(upstream: String, error: String) {
        let text = "products: { a: { class: ai, upstream: \(upstream) } }\nclasses: { ai: {} }"
        #expect(policyErrors(text).count == 1)
        #expect(policyErrors(text).first?.contains(error) == true, "\(policyErrors(text))")
    }
}
