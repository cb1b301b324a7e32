import Testing
import WeirCore

@Suite struct TrustedProxiesTests {
    @Test(arguments: [
        // Nobody before us is trusted: the header is the client's own claim.
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("203.0.113.9", [], "203.0.113.9"),
        // One trusted proxy, and what the client had written before it.
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.66, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["127.0.0.1, 10.0.0.7, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.66", "198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        // Several.
        ("10.0.0.1", ["192.0.2.66, 198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.66, 198.51.100.1", "10.9.9.9,10.8.8.8"], "198.51.100.1"),
        ("fd00::1", ["198.51.100.1, fd00::2, 10.9.9.9"], "198.51.100.1"),
        // All of them trusted: the one farthest away.
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", [], "10.0.0.1"),
        // Nonsense ends the list: the last that was believed stands.
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1,"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["198.51.100.1 192.0.2.66"], "10.0.0.1"),
        ("10.0.0.1", ["for=198.51.100.1"], "10.0.0.1"),
        // Ports, brackets, space.
        ("10.0.0.1", ["192.0.2.66:1, 198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1:"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1:http"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1:999999"], "10.0.0.1"),
        ("10.0.0.1", ["[2001:db8::1]:443"], "2001:db8::/64"),
        ("10.0.0.1", ["[2001:db8::1]"], "2001:db8::/64"),
        ("10.0.0.1", ["2001:db8::1"], "2001:db8::/64"),
        ("10.0.0.1", ["[2001:db8::1"], "10.0.0.1"),
        ("10.0.0.1", ["[2001:db8::1]x"], "10.0.0.1"),
        ("10.0.0.1", ["[198.51.100.1]"], "10.0.0.1"),
        ("10.0.0.1", ["\t198.51.100.1 \t"], "198.51.100.1"),
    ])
    func `the client is the first from the right that no trusted proxy is`(
        peer: String, headers: [String], client: String
    ) throws {
        let proxies = try TrustedProxies("10.0.0.0/8, fd00::/8")
        #expect(proxies.client(peer: try #require(IPAddress(peer)), forwardedFor: headers).subject == client)
    }

    @Test func `without trusted proxies a client is who it connects as`() throws {
        for proxies in [TrustedProxies.none, try TrustedProxies(""), try TrustedProxies(" ")] {
            #expect(proxies.isEmpty)
            let peer = try #require(IPAddress("127.0.0.1"))
            #expect(proxies.client(peer: peer, forwardedFor: ["198.51.100.1"]) == peer)
        }
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"), ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
        ("192.0.2.128/25", "192.0.2.200", "192.0.2.127"), ("::1/128", "::1", "::2"), ("::1", "::1", "127.0.0.1"),
        ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"), ("128.0.0.0/1", "255.0.0.1", "127.0.0.1"),
        ("8000::/1", "ffff::1", "7fff::1"),
    ])
    func `a network holds its addresses and no others`(network: String, inside: String, outside: String) throws {
        let proxies = try TrustedProxies(network)
        #expect(proxies.contains(try #require(IPAddress(inside))))
        #expect(!proxies.contains(try #require(IPAddress(outside))))
    }

    @Test(arguments: [
        ("10.0.0.0/8,", "'' is not a network; write it as 10.0.0.0/8, ::1/128 or 192.0.2.7"),
        ("proxy.internal", "'proxy.internal' is not a network; write it as 10.0.0.0/8, ::1/128 or 192.0.2.7"),
        ("10.0.0.1/8", "'10.0.0.1/8' has bits set beyond its prefix; which network is meant?"),
        ("0.0.0.0/0", "'0.0.0.0/0' trusts everybody: any client could then choose its own address"),
        ("::/0", "'::/0' trusts everybody: any client could then choose its own address"),
        (
            "10.0.0.0/33",
            "'10.0.0.0/33' has no prefix of 1 to 32 bits; write 10.0.0.0/8 or 2001:db8::/32, and IPv4 as IPv4"
        ),
        (
            "10.0.0.0/",
            "'10.0.0.0/' has no prefix of 1 to 32 bits; write 10.0.0.0/8 or 2001:db8::/32, and IPv4 as IPv4"
        ),
        (
            "::ffff:10.0.0.0/104",
            "'::ffff:10.0.0.0/104' has no prefix of 1 to 32 bits; write 10.0.0.0/8 or 2001:db8::/32, and IPv4 as IPv4"
        ),
    ])
    func `a list that cannot be meant is refused`(text: String, problem: String) {
        let error = #expect(throws: TrustedProxies.Problem.self) { try TrustedProxies(text) }
        #expect(error?.description == problem)
    }
}
