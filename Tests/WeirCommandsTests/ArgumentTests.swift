import ArgumentParser
import Foundation
import Logging
import Testing
import WeirAdmin
import WeirCore
import WeirGateway
import WeirTestSupport

@testable import WeirCommands

@Suite struct ArgumentTests {
    @Test(arguments: [
        ("90s", 90), ("15m", 900), ("2h", 7200), ("30d", 2_592_000), ("0s", nil), ("", nil), ("s", nil), ("5", nil),
        ("-5s", nil), ("99999999999d", nil), ("1.5h", nil), ("٣s", nil), ("5 s", nil),
    ])
    func `a span is a number with a unit`(text: String, seconds: Int?) {
        #expect(Span(argument: text)?.seconds == seconds)
    }

    @Test(arguments: [
        ("1795219200", 1_795_219_200), ("2026-11-21", 1_795_219_200), ("2026-11-21T01:00:00Z", 1_795_222_800),
        ("tomorrow", nil), ("2026-13-01", nil), ("", nil), ("-5", nil), ("99999999999999999999", nil),
        ("2026-11-21T01:00", nil),
    ])
    func `a moment is a day, a time with its zone, or unix seconds`(text: String, seconds: Int?) {
        #expect(Moment(argument: text)?.unixSeconds == seconds)
    }

    @Test(arguments: [
        (0, "1970-01-01 00:00:00Z"), (1_795_222_923_999, "2026-11-21 01:02:03Z"), (-1000, "1969-12-31 23:59:59Z"),
        (Int.max, "9999-12-31 07:12:55Z"),
    ])
    func `times are shown in UTC`(ms: Int, text: String) { #expect(timeText(ms: ms) == text) }

    @Test(arguments: [
        ("127.0.0.1:8090", "127.0.0.1:8090"), ("[::1]:0", "[::1]:0"), ("::1:80", nil), (":80", nil), ("host", nil),
        ("host:65536", nil), ("host:x", nil), ("", nil), ("[]:1", nil),
    ])
    func `an address to listen on has a host and a port`(text: String, shown: String?) {
        #expect((try? ListenAddress(text))?.description == shown)
    }

    @Test func `a flag wins over the environment, and the environment over the standard`() throws {
        try Setting.$environment.withValue(["WEIR_LISTEN": "127.0.0.1:2", "WEIR_REDIS_URL": ""]) {
            #expect(Setting.aggregatorListen.value("127.0.0.1:1") == "127.0.0.1:1")
            #expect(Setting.aggregatorListen.value(nil) == "127.0.0.1:2")
            #expect(Setting.redis.value(nil) == "redis://127.0.0.1:6379")
            let settings = try AggregatorCommand.parse([]).settings()
            #expect(settings.address.port == 2)
            #expect(settings.logLevel == .notice)
        }
    }

    @Test func `trusted proxies are networks, from the flag or the environment`() throws {
        func proxies(_ arguments: [String], _ variable: String = "") throws -> TrustedProxies {
            try Setting.$environment.withValue(["WEIR_TRUSTED_PROXIES": variable]) {
                try GatewayCommand.parse(arguments).settings().gateway.trustedProxies
            }
        }
        let loopback = try #require(IPAddress("::1"))
        #expect(try proxies([]).isEmpty)
        #expect(try proxies(["--trusted-proxies", "10.0.0.0/8,::1/128"]).contains(loopback))
        #expect(try proxies([], "::1").contains(loopback))
        #expect(try !proxies(["--trusted-proxies", "10.0.0.0/8"], "::1").contains(loopback))
        let error = #expect(throws: SettingError.self) { try proxies(["--trusted-proxies", "everybody"]) }
        #expect(
            error?.description
                == "--trusted-proxies: 'everybody' is not a network; write it as 10.0.0.0/8, ::1/128 or 192.0.2.7")
    }

    @Test func `the token comes from a file or the environment`() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/token"
            try "  from-the-file\n".write(toFile: path, atomically: true, encoding: .utf8)
            try "\n".write(toFile: path + ".empty", atomically: true, encoding: .utf8)
            func token(_ environment: [String: String], file: String? = nil) throws -> String? {
                try Setting.$environment.withValue(environment) { try AdminOptions.token(file: file) }
            }
            let variable = ["WEIR_ADMIN_TOKEN": "from-the-variable"]
            #expect(try token(variable) == "from-the-variable")
            #expect(try token(variable, file: path) == "from-the-file")
            #expect(throws: SettingError.self) { try token(variable, file: path + ".empty") }
            #expect(throws: SettingError.self) { try token(variable, file: path + ".none") }
            #expect(try token(["WEIR_ADMIN_TOKEN_FILE": path]) == "from-the-file")
            #expect(try token([:]) == nil)
        }
    }

    @Test func `keys of upstreams come from variables made for them, or from files`() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/key"
            try "from-the-file\n".write(toFile: path, atomically: true, encoding: .utf8)
            func keys(_ environment: [String: String]) throws -> [String: String] {
                try Setting.$environment.withValue(environment) {
                    try GatewayCommand.parse([]).settings().gateway.upstreamKeys.mapValues { $0.reveal() }
                }
            }
            let given = [
                "WEIR_UPSTREAM_A": "a-key", "WEIR_UPSTREAM_B_FILE": path, "WEIR_UPSTREAM_C": "",
                "WEIR_OPENAI_KEY": "other",
            ]
            #expect(try keys(given) == ["WEIR_UPSTREAM_A": "a-key", "WEIR_UPSTREAM_B": "from-the-file"])
            #expect(throws: SettingError.self) { try keys(["WEIR_UPSTREAM_A": "two words"]) }
            #expect(throws: SettingError.self) { try keys(["WEIR_UPSTREAM_A_FILE": path + ".none"]) }
            #expect(throws: SettingError.self) { try keys(["WEIR_UPSTREAM_A": "k", "WEIR_UPSTREAM_A_FILE": path]) }
        }
    }

    @Test(arguments: ["", "http://x", "redis://", "127.0.0.1:6379"])
    func `a gateway without a usable address of Redis does not start`(url: String) {
        Setting.$environment.withValue([:]) {
            #expect(throws: (any Error).self) { try GatewayCommand.parse(["--redis", url]).settings() }
        }
    }

    @Test func `the outbox's directory and size come from flags or the environment`() throws {
        func settings(_ arguments: [String], _ environment: [String: String] = [:]) throws -> GatewayProcess.Settings {
            try Setting.$environment.withValue(environment) { try GatewayCommand.parse(arguments).settings() }
        }
        #expect(try settings([]).outbox == nil)
        #expect(try settings([]).outboxLimitBytes == 1 << 30)
        #expect(try settings(["--outbox", "/a", "--outbox-limit", "64KB"]).outbox == "/a")
        #expect(try settings(["--outbox", "/a", "--outbox-limit", "64KB"]).outboxLimitBytes == 65_536)
        let variables = ["WEIR_OUTBOX": "/b", "WEIR_OUTBOX_LIMIT": "2GB"]
        #expect(try settings([], variables).outbox == "/b")
        #expect(try settings([], variables).outboxLimitBytes == 2 << 30)
        for wrong in ["5", "0MB", "-1MB", "1PB", "99999999TB", "1.5GB"] {
            #expect(throws: SettingError.self) { try settings(["--outbox-limit=\(wrong)"]) }
        }
    }

    @Test func `Gemini's address and key are settings like the others`() throws {
        try Setting.$environment.withValue(["WEIR_GEMINI_KEY": "g-key"]) {
            let standard = try GatewayCommand.parse([]).settings().gateway.gemini
            #expect(standard.url == "https://generativelanguage.googleapis.com")
            #expect(standard.key?.reveal() == "g-key")
            let told = try GatewayCommand.parse(["--gemini-url", "http://127.0.0.1:9"]).settings().gateway.gemini
            #expect(told.url == "http://127.0.0.1:9")
        }
    }

    @Test(arguments: [
        ["--trusted-proxies", "0.0.0.0/0"], ["--redis", "http://x"], ["--ledger", "mysql:x"], ["--log-level", "loud"],
        ["--policy", "/nonexistent/policy.yaml"], ["--listen", "8090"], ["--name", "a b"],
    ])
    func `an aggregator with a wrong setting does not start`(arguments: [String]) throws {
        try Setting.$environment.withValue([:]) {
            let command = try AggregatorCommand.parse(arguments)
            #expect(throws: (any Error).self) { try command.settings() }
        }
    }
}
