import Testing
import WeirCore

@Suite struct IPAddressTests {
    @Test(arguments: [
        ("192.0.2.7", "192.0.2.7"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
        ("::ffff:192.0.2.7", "192.0.2.7"), ("::FFFF:c000:207", "192.0.2.7"),
        ("0:0:0:0:0:ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:7:1:2:3:4", "2001:db8:0:7::/64"), ("2001:DB8:0:7::", "2001:db8:0:7::/64"),
        ("2001:0db8::1", "2001:db8::/64"), ("2001:db8::7:0:0:0:1", "2001:db8:0:7::/64"), ("::1", "::/64"),
        ("::", "::/64"), ("1:2:3:4:5:6:7::", "1:2:3:4::/64"), ("::2:3:4:5:6:7:8", "0:2:3:4::/64"),
        ("64:ff9b::192.0.2.7", "64:ff9b::/64"), ("fe80::1", "fe80::/64"),
    ])
    func `a client is its IPv4 address, or the network of 64 bits of its IPv6 one`(text: String, subject: String) {
        #expect(IPAddress(text)?.subject == subject)
        #expect(Subject("ip:" + text) == .ip(subject))
        #expect(Subject(Subject.ip(subject).text) == .ip(subject), "what is shown can be typed in again")
    }

    @Test(arguments: [
        "", " ", "192.0.2", "192.0.2.7.1", "192.0.2.256", "192.0.02.7", "192.0.2.7 ", " 192.0.2.7", "192.0.2.-7",
        "192.0.2.7:80", "1e3.0.0.1", "0x7f.0.0.1", "127.1", "3232235777", "１２７.0.0.1", ":", ":::", "1::2::3", "1:2:3",
        "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7", "::12345", "::g", "::1%eth0", "[::1]", "::192.0.2", "192.0.2.7::",
        "1:192.0.2.7::2", "1:2:3:4:5:6:7:192.0.2.7", "1::2:3:4:5:6:7:8", "localhost", "::1/64", "::-1", "::+1",
        String(repeating: "1", count: 5000), String(repeating: ":", count: 5000), "\0", "192.0.2.7\0",
    ])
    func `what is not exactly one address is none`(text: String) { #expect(IPAddress(text) == nil) }

    @Test func `no text traps`() {
        var generator = Generator(state: UInt64.random(in: .min ... .max))
        let letters = Array("0123456789abcdef:.:.[]/%,x \u{7f}é")
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...24, using: &generator)
            let text = String((0..<count).map { _ in letters.randomElement(using: &generator) ?? "0" })
            if let address = IPAddress(text) {
                #expect(!address.subject.isEmpty)
            }
            _ = try? TrustedProxies(text)
            _ = Subject(text)
        }
    }
}

@Suite struct SubjectTests {
    @Test(arguments: [
        Subject.team("acme"), .user(team: "acme", id: "a.b@c:d"), .group(team: "acme", id: "g"), .key("wk_1"),
        .ip("192.0.2.7"), .ip("2001:db8::/64"), .product("slack_app"), .global,
    ])
    func `a subject's text says what it is`(subject: Subject) { #expect(Subject(subject.text) == subject) }

    @Test(arguments: [
        "", "user:alice", "user:acme/", "user:/alice", "user:a/b/c", "team:a/b", "team:", "group:g", "key:", "ip:",
        "ip:192.0.2.7/64", "ip:192.0.2.7/32", "ip:2001:db8::/48", "global:x", "Global", "product:{x}", "who:x", "acme",
    ])
    func `any other text is no subject`(text: String) { #expect(Subject(text) == nil) }
}
