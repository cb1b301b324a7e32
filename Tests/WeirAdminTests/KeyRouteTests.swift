import Crypto
import Foundation
import Testing
import WeirTestSupport
import WeirRedis
import NIOHTTP1
import WeirAdmin
import WeirCore
import WeirLedger

@Suite struct KeyRouteTests {
    @Test func `a key is made, answered once, published, listed and revoked`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            let later = Int(Date().timeIntervalSince1970 * 1000) + 3_600_000
            let body = """
                {"team":"acme","user":"alice","groups":["g1","g2"],"products":["slack-bot","search"],
                 "models":["claude-haiku-4"],"expires_at_ms":\(later)}
                """
            let made = try await admin.send(.POST, "/admin/v1/keys", body, headers: [("weir-actor", "ann@example")])
            #expect(made.status == 201)
            #expect(made.headers.first(name: "cache-control") == "no-store")
            let created = try made.decoded(CreatedKey.self)
            let key = try #require(APIKey(created.key))
            #expect(created.description.id == key.id)

            let digest = SHA256.hash(data: Data(key.text.utf8)).map { String(format: "%02x", $0) }.joined()
            let record = APIKeyRecord(
                id: key.id, team: "acme", user: "alice", groups: ["g1", "g2"], products: ["slack_app", "search"],
                models: ["claude-haiku-4"], expiresAtMs: later)
            #expect(try await admin.ledger.key(sha256: digest)?.record == record)
            let fields = try await hash(admin, digest)
            #expect(APIKeyRecord(fields: fields) == record)

            let listed = try await admin.send(.GET, "/admin/v1/keys?team=acme")
            #expect(try listed.decoded(KeyList.self).keys == [created.description])
            #expect(!listed.body.contains(created.key.dropFirst(12)))
            #expect(!listed.body.contains(digest))
            #expect(try await admin.send(.GET, "/admin/v1/keys?team=other").decoded(KeyList.self).keys.isEmpty)

            for _ in 0..<2 {
                let revoked = try await admin.send(.DELETE, "/admin/v1/keys/\(key.id)")
                #expect(try revoked.decoded(KeyDescription.self).status == "revoked")
                #expect(APIKeyRecord(fields: try await hash(admin, digest))?.isActive == false)
            }
            #expect(try await admin.send(.DELETE, "/admin/v1/keys/wk_00000000").status == 404)

            let audit = try await admin.ledger.audit(limit: 10)
            #expect(audit.map(\.action) == ["key.revoke", "key.create", "policy.apply"])
            #expect(audit[1].actor == "ann@example")
            #expect(audit[1].subject == key.id)
            #expect(audit[1].after == "acme/alice")
            #expect(audit[1].from == "127.0.0.1")
            #expect(!"\(audit)".contains(created.key.dropFirst(12)))
        }
    }

    @Test func `a key that cannot be published stands in the ledger, and the answer says so and holds it`() async throws
    {
        try await withAdmin { admin in
            admin.redis.kill()
            let answer = try await admin.send(.POST, "/admin/v1/keys", #"{"team":"acme"}"#)
            #expect(answer.status == 503)
            #expect(answer.error?.code == "not_published")
            #expect(answer.error?.hint.contains("the aggregator publishes it again") == true)
            struct Body: Decodable { let key: CreatedKey }
            let key = try answer.decoded(Body.self).key
            #expect(try await admin.ledger.keys(team: "acme").map(\.record.id) == [key.description.id])
            #expect(APIKey(key.key)?.id == key.description.id)

            let revoked = try await admin.send(.DELETE, "/admin/v1/keys/\(key.description.id)")
            #expect(revoked.error?.code == "not_published")
            #expect(try await admin.ledger.key(id: key.description.id)?.record.isActive == false)
            // Asked again when Redis is back, it is published.
            try await admin.redis.restart()
            try await eventuallyOK { try await admin.send(.DELETE, "/admin/v1/keys/\(key.description.id)").status }
        }
    }

    @Test func `a rotated key goes on until the overlap has passed, beside one of the same rights`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            let nowMs = Int(Date().timeIntervalSince1970 * 1000)
            let body = """
                {"team":"acme","user":"alice","groups":["g1"],"products":["search"],"models":["claude-haiku-4"],
                 "expires_at_ms":\(nowMs + 86_400_000)}
                """
            let old = try await admin.send(.POST, "/admin/v1/keys", body).decoded(CreatedKey.self)
            let path = "/admin/v1/keys/\(old.description.id)/rotate"
            let answer = try await admin.send(.POST, path, #"{"overlap_seconds":3600}"#)
            #expect(answer.status == 201)
            let rotated = try answer.decoded(RotatedKey.self)
            let new = try #require(APIKey(rotated.key))
            #expect(new.id == rotated.description.id && new.id != old.description.id)
            let end = try #require(rotated.replaced.expiresAtMs)
            #expect((nowMs + 3_600_000...nowMs + 3_660_000).contains(end))
            #expect(rotated.replaced.status == "active")

            func digest(_ text: String) -> String {
                SHA256.hash(data: Data(text.utf8)).map { String(format: "%02x", $0) }.joined()
            }
            let ending = try #require(APIKeyRecord(fields: try await hash(admin, digest(old.key))))
            #expect(ending.isActive && ending.expiresAtMs == end)
            var expected = ending
            expected.id = new.id
            let record = try #require(APIKeyRecord(fields: try await hash(admin, digest(rotated.key))))
            // As long a life as the old one was given: a day from now.
            let life = try #require(record.expiresAtMs)
            #expect((nowMs + 86_400_000...nowMs + 86_460_000).contains(life))
            expected.expiresAtMs = life
            #expect(record == expected)
            #expect(try await admin.ledger.key(id: new.id)?.record == record)
            let audit = try #require(try await admin.ledger.audit(limit: 1).first)
            #expect(audit.action == "key.rotate" && audit.subject == old.description.id && audit.after == new.id)

            for wrong in [#"{"overlap_seconds":-1}"#, #"{"overlap_seconds":99999999}"#, "{}"] {
                #expect(try await admin.send(.POST, path, wrong).status == 422)
            }
            #expect(try await admin.send(.DELETE, "/admin/v1/keys/\(old.description.id)").status == 200)
            #expect(try await admin.send(.POST, path, #"{"overlap_seconds":60}"#).status == 422)
            let none = try await admin.send(.POST, "/admin/v1/keys/wk_none/rotate", #"{"overlap_seconds":60}"#)
            #expect(none.status == 404)
        }
    }

    @Test func `a product that does not exist makes no key`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            let answer = try await admin.send(.POST, "/admin/v1/keys", #"{"team":"acme","products":["slack"]}"#)
            #expect(answer.status == 422)
            #expect(answer.error?.hint == "products: search, slack_app")
        }
    }

    private func hash(_ admin: AdminFixture, _ digest: String) async throws -> [String: String] {
        let words = try await admin.redisText(["HGETALL", .string("weir:api-key:\(digest)")]).split(separator: " ")
        var fields: [String: String] = [:]
        for index in stride(from: 0, to: words.count - 1, by: 2) {
            fields[String(words[index])] = String(words[index + 1])
        }
        return fields
    }
}
