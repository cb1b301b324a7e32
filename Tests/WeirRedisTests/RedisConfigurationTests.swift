import Testing
import WeirRedis

@Suite struct RedisConfigurationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let url: String
        let address: RedisConfiguration.Address
        var user: String?
        var password: String?
        var database = 0
        var hasTLS = false
        var testDescription: String { url }
    }

    @Test(arguments: [
        Case(url: "redis://localhost", address: .tcp(host: "localhost", port: 6379)),
        Case(url: "redis://127.0.0.1:7000/", address: .tcp(host: "127.0.0.1", port: 7000)),
        Case(url: "REDIS://h:1/15", address: .tcp(host: "h", port: 1), database: 15),
        Case(url: "redis://[::1]:6380/2", address: .tcp(host: "::1", port: 6380), database: 2),
        Case(url: "redis://[::1]", address: .tcp(host: "::1", port: 6379)),
        Case(url: "redis://u:p@h", address: .tcp(host: "h", port: 6379), user: "u", password: "p"),
        Case(url: "redis://:p@h", address: .tcp(host: "h", port: 6379), password: "p"),
        Case(url: "redis://u:a%40b%3A%2f%25@h", address: .tcp(host: "h", port: 6379), user: "u", password: "a@b:/%"),
        Case(url: "redis://u:a@b@h", address: .tcp(host: "h", port: 6379), user: "u", password: "a@b"),
        Case(url: "rediss://h:6390", address: .tcp(host: "h", port: 6390), hasTLS: true),
        Case(url: "unix:///run/redis.sock", address: .unixSocket(path: "/run/redis.sock")),
        Case(
            url: "unix://u:p@/run/r%20s.sock?db=3", address: .unixSocket(path: "/run/r s.sock"), user: "u",
            password: "p", database: 3),
    ])
    func `a URL says where, who and which database`(expected: Case) throws {
        let configuration = try RedisConfiguration(url: expected.url)
        #expect(configuration.address == expected.address)
        #expect(configuration.username == expected.user)
        #expect(configuration.password == expected.password)
        #expect(configuration.database == expected.database)
        #expect((configuration.tls != nil) == expected.hasTLS)
    }

    @Test func `a password may be kept beside the URL, once`() throws {
        for url in ["redis://weir@h", "redis://weir:@h", "redis://w%65ir@h"] {
            let configuration = try RedisConfiguration(url: url, password: "a@b:/%")
            #expect(configuration.username == "weir" && configuration.password == "a@b:/%")
        }
        #expect(try RedisConfiguration(url: "redis://h", password: "p").username == nil)
        #expect(throws: RedisURLError.passwordTwice) { try RedisConfiguration(url: "redis://u:p@h", password: "p") }
        #expect(throws: RedisURLError.credentials) { try RedisConfiguration(url: "redis://u@h") }
    }

    @Test func `TLS files and the waiving of checks come from the query`() throws {
        let tls = try RedisConfiguration(url: "rediss://h?ca=/a%2Fca.pem&cert=/c&key=/k").tls
        #expect(tls?.caFile == "/a/ca.pem" && tls?.certificateFile == "/c" && tls?.keyFile == "/k")
        #expect(tls?.isInsecure == false)
        #expect(try RedisConfiguration(url: "rediss://h?insecure=true").tls?.isInsecure == true)
    }

    @Test(arguments: [
        ("", RedisURLError.scheme), ("localhost:6379", .scheme), ("http://h", .scheme), ("redis:/h", .scheme),
        ("redis://", .host), ("redis://:6379", .host), ("redis://a:b:1", .host), ("redis://[::1", .host),
        ("redis://[::1]x", .host),
        ("redis://h:", .port), ("redis://h:0", .port), ("redis://h:65536", .port), ("redis://h:-1", .port),
        ("redis://h:+1", .port), ("redis://user:hunter2", .port),
        ("redis://h/x", .database), ("redis://h/-1", .database), ("redis://h/99999999999999999999", .database),
        ("redis://user@h", .credentials), ("redis://user:@h", .credentials),
        ("redis://u:%zz@h", .encoding(part: "password")), ("redis://u:%4@h", .encoding(part: "password")),
        ("redis://u:%ff@h", .encoding(part: "password")), ("redis://%00:p@h", .encoding(part: "user")),
        ("unix://run/redis.sock", .socketPath), ("unix://", .socketPath), ("unix:///", .socketPath),
        ("unix:///s?db=x", .database), ("redis://h?db=1", .option("db")), ("redis://h?ca=/x", .option("ca")),
        ("rediss://h?insecure=yes", .optionValue("insecure", expected: "true or false")),
        ("rediss://h?ca=", .optionValue("ca", expected: "the path of a PEM file")),
        ("rediss://h?cert=/c", .optionValue("cert", expected: "given together with key")),
    ])
    func `a URL that cannot be meant is refused with its fault`(url: String, expected: RedisURLError) {
        #expect(throws: expected) { try RedisConfiguration(url: url) }
        #expect(expected.description.hasPrefix("Redis URL: "))
    }

    @Test(arguments: ["redis://u:hunter2@h", "redis://:hunter2@h/1", "unix://u:hunter2@/s", "rediss://u:hunter2@h"])
    func `the password is in no description`(url: String) throws {
        let configuration = try RedisConfiguration(url: url)
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(configuration)", String(reflecting: configuration), dumped, "\([configuration])"] {
            #expect(!text.contains("hunter2"), "\(text)")
        }
    }

    @Test(arguments: [
        "redis://user:hunter2", "hunter2", "redis://u:hunter2%zz@h", "redis://h:hunter2/1", "hunter2://x",
    ])
    func `a refusal does not repeat the URL`(url: String) throws {
        let error = try #require(throws: RedisURLError.self) { try RedisConfiguration(url: url) }
        #expect(!"\(error)".contains("hunter2"))
    }
}
