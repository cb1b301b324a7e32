import Testing

@testable import WeirAdmin

@Suite struct HTMLTests {
    @Test func `text and values of attributes enter escaped`() {
        let evil = "<script>alert('x')</script>\"&"
        let html = el("p", .at(.title, evil)) {
            evil
            el("b", text: evil)
        }
        let escaped = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;"
        #expect(html.markup == "<p title=\"\(escaped)\">\(escaped)<b>\(escaped)</b></p>")
    }

    @Test func `control characters, which no page may contain, are replaced`() {
        #expect(HTML("a\u{0}b\u{1b}c\td\n").markup == "a\u{FFFD}b\u{FFFD}c\td\n")
    }

    @Test func `an address stays on this server whatever it is asked for`() {
        let address = PageAddress(.team, ["team": "../..//evil?x=1&y#z \"é<"])
        #expect(address.text == "/team?team=..%2F..%2F%2Fevil%3Fx%3D1%26y%23z%20%22%C3%A9%3C")
        #expect(PageAddress(address.text) == address)
        for elsewhere in [
            "//evil.example", "https://evil.example/", "/\\evil", "javascript:alert(1)", "/team/../x", "", "evil",
            "/admin/v1/keys",
        ] { #expect(PageAddress(elsewhere) == nil, "\(elsewhere)") }
    }

    @Test func `a form's fields are decoded, and what cannot be is refused`() throws {
        let fields = try #require(FormFields("a=1+2&b=%3Cx%3E&c&a=other&d=++"))
        #expect(fields["a"] == "1 2" && fields["b"] == "<x>" && fields["c"] == nil && fields["d"] == nil)
        #expect(fields.whole("d") == "  ")
        #expect(FormFields("a=%ff") == nil && FormFields("a=%2") == nil)
    }

    @Test func `every page of the dashboard begins with a slash, and no second one`() {
        for page in PageAddress.Page.allCases {
            #expect(page.rawValue.hasPrefix("/") && !page.rawValue.hasPrefix("//"))
        }
    }
}
