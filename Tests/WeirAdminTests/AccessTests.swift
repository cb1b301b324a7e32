import Testing
import WeirCore
import WeirLedger
import WeirTestSupport
import WeirRedis
import NIOHTTP1
import WeirAdmin

@Suite struct AccessTests {
    @Test func `nobody gets in without the token`() async throws {
        try await withAdmin { admin in
            for wrong: String? in [
                nil, "", "a-token-of-the-tests-1235", "a-token-of-the-tests-123", "Bearer " + token,
            ] {
                for path in [
                    "/admin/v1/keys", "/admin/v1/policy", "//admin/v1/keys", "/admin//v1/keys", "/admin/v1/keys/",
                ] {
                    let answer = try await admin.send(.GET, path, token: wrong)
                    #expect(answer.status == 401, "\(path)")
                    #expect(!answer.body.contains(token))
                }
                for path in ["/admin", "/admin/v1/nothing", "/healthz/../admin/v1/keys", "/admin/v1"] {
                    #expect(try await admin.send(.GET, path, token: wrong).status == 404, "\(path)")
                }
            }
            let twice = try await admin.send(.GET, "/admin/v1/keys", headers: [("x-api-key", token)])
            #expect(twice.status == 200)
            #expect(try await admin.send(.GET, "/admin/v1/keys", token: nil).error?.code == "unauthorized")
            #expect(try await admin.send(.GET, "/%61dmin/v1/keys", token: nil).status != 200)
            #expect(try await admin.send(.GET, "/admin/v1/keys?token=\(token)", token: nil).status == 401)
        }
    }

    @Test func `health needs no token and tells nobody anything`() async throws {
        try await withAdmin { admin in
            #expect(try await admin.send(.GET, "/healthz", token: nil).body == #"{"reasons":[],"status":"ok"}"#)
            #expect(try await admin.send(.GET, "/readyz", token: nil).status == 200)
            admin.redis.kill()
            let unready = try await admin.send(.GET, "/readyz", token: nil)
            #expect(unready.status == 503)
            #expect(unready.body.contains("Redis does not answer"))
            #expect(try await admin.send(.GET, "/healthz", token: nil).status == 200)
        }
    }

    @Test func `a listener on this machine answers under its own names only`() async throws {
        try await withAdmin(adjust: { $0.hosts = ["weir.internal"] }) { admin in
            for host in ["127.0.0.1", "localhost:1", "[::1]:8090", "Weir.internal"] {
                let answer = try await admin.send(.GET, "/admin/v1/keys", headers: [("host", host)])
                #expect(answer.status == 200, "\(host)")
            }
            for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80"] {
                let answer = try await admin.send(.GET, "/admin/v1/keys", headers: [("host", host)])
                #expect(answer.status == 403, "\(host)")
            }
        }
    }

    @Test func `a page of another site can change nothing`() async throws {
        try await withAdmin(adjust: { $0.token = nil }) { admin in
            let body = #"{"scope":"global","on":true,"reason":"x"}"#
            let path = "/admin/v1/kill-switch"
            let crossOrigin = try await admin.send(.POST, path, body, headers: [("origin", "https://evil.example")])
            #expect(crossOrigin.status == 403)
            #expect(try await admin.send(.POST, path, body, type: "text/plain").status == 415)
            #expect(try await admin.send(.POST, path, body).status == 200)
        }
    }

    @Test(arguments: [
        ("0.0.0.0", nil, AdminConfiguration.Fault.tokenMissing(host: "0.0.0.0")),
        ("10.0.0.1", "", .tokenTooShort(characters: 0)), ("::", "fifteen-chars-x", .tokenTooShort(characters: 15)),
        ("0.0.0.0", "sixteen-chars-xx", nil), ("127.0.0.1", nil, nil), ("127.0.0.1", "", .tokenTooShort(characters: 0)),
        ("localhost", "short", nil),
    ])
    func `beyond this machine a real token is required`(
        host: String, token: String?, fault: AdminConfiguration.Fault?
    ) {
        var found: AdminConfiguration.Fault?
        do { try AdminConfiguration(host: host, token: token).check() } catch { found = error }
        #expect(found == fault)
    }

    @Test func `bodies that are too large, odd or unknown are refused with what would be right`() async throws {
        try await withAdmin { admin in
            let large = try await admin.send(
                .POST, "/admin/v1/keys", #"{"team":"\#(String(repeating: "a", count: 70_000))"}"#)
            #expect(large.status == 413)
            for (body, status, message) in [
                ("", 400, "the body is not one JSON object"), ("[]", 400, "the body is not one JSON object"),
                (#"{"team":"a"} x"#, 400, "the body is not one JSON object"),
                (#"{"team":"a","usr":"b"}"#, 422, "unknown field \"usr\""),
                (#"{"team":"a","team":"b"}"#, 422, "the field \"team\" is given twice"),
                (#"{"user":"a"}"#, 422, "the field \"team\" is missing"),
                (#"{"team":7}"#, 422, "the field \"team\" has the wrong type"),
                (#"{"team":"a b"}"#, 422, "\"a b\" cannot be a team"),
                (#"{"team":"a","user":"{}"}"#, 422, "\"{}\" cannot be a user"),
                (#"{"team":"a","models":["x,y"]}"#, 422, "\"x,y\" cannot be a model"),
                (#"{"team":"a","groups":["g","g"]}"#, 422, "groups has more than 64 names, or one of them twice"),
                (#"{"team":"a","expires_at_ms":1}"#, 422, "expires_at_ms lies in the past"),
                (#"{"team":"a","products":["slack_app"]}"#, 422, "no policy was applied yet, so there are no products"),
            ] {
                let answer = try await admin.send(.POST, "/admin/v1/keys", body)
                #expect(answer.status == status, "\(body)")
                #expect(answer.error?.message.hasPrefix(message) == true, "\(body): \(answer.body)")
            }
            let unknown = try await admin.send(.GET, "/admin/v1/keys?tem=a")
            #expect(unknown.error?.hint == "use team, user, group, status, limit, cursor, format")
            #expect(try await admin.send(.GET, "/admin/v1/nothing").error?.code == "not_found")
            let headers = [("weir-actor", "a b")]
            #expect(try await admin.send(.GET, "/admin/v1/keys", headers: headers).status == 422)
            #expect(try await admin.ledger.keys(team: nil).isEmpty)
            #expect(try await admin.ledger.audit(limit: 10).isEmpty)
        }
    }
}
