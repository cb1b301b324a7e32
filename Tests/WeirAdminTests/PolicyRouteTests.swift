import Foundation
import Testing
import WeirTestSupport
import WeirRedis
import NIOHTTP1
import WeirAdmin
import WeirCore
import WeirLedger

@Suite struct PolicyRouteTests {
    private let path = "/admin/v1/policy"

    @Test func `a policy is applied, versioned, published and shown`() async throws {
        try await withAdmin { admin in
            #expect(try await admin.send(.GET, path).status == 404)
            try await admin.applyPolicy()
            let second = try await admin.send(
                .PUT, path + "?note=more%20calls", policyText.replacing("amount: 5", with: "amount: 6"),
                type: "application/yaml; charset=utf-8")
            #expect(try second.decoded(PolicyAnswer.self).version == 2)

            let published = try await admin.redisText(["GET", "weir:policy"])
            let policy = try JSONDecoder().decode(Policy.self, from: Data(published.utf8))
            #expect(policy.version == 2)
            #expect(policy.limits[0].amount == 6)

            let current = try await admin.send(.GET, path).decoded(PolicyAnswer.self)
            #expect(current.policy == policy)
            #expect(current.note == "more calls")
            let first = try await admin.send(.GET, path + "?version=1").decoded(PolicyAnswer.self)
            #expect(first.yaml == policyText)
            #expect(first.policy.limits[0].amount == 5)
            for version in ["3", "0", "-1", "x", "99999999999999999999"] {
                #expect(try await admin.send(.GET, path + "?version=\(version)").status == 404)
            }
            let audit = try await admin.ledger.audit(limit: 1)
            #expect(audit.first?.action == "policy.apply")
            #expect(audit.first?.before == "version 1")
        }
    }

    @Test func `all versions are listed, newest first`() async throws {
        try await withAdmin { admin in
            #expect(try await admin.send(.GET, path + "/versions").decoded(PolicyList.self).versions.isEmpty)
            for note in ["one", "two", "three"] {
                let answer = try await admin.send(
                    .PUT, path + "?note=\(note)", policyText, type: "application/yaml", headers: [("weir-actor", "ann")]
                )
                #expect(answer.status == 200)
            }
            let all = try await admin.send(.GET, path + "/versions").decoded(PolicyList.self).versions
            #expect(all.map(\.version) == [3, 2, 1])
            #expect(all.map(\.note) == ["three", "two", "one"])
            #expect(all.allSatisfy { $0.actor == "ann" && $0.appliedAtMs > 0 })
            let newest = try await admin.send(.GET, path + "/versions?limit=1").decoded(PolicyList.self).versions
            #expect(newest.map(\.version) == [3])
            for limit in ["0", "1001", "x"] {
                #expect(try await admin.send(.GET, path + "/versions?limit=\(limit)").status == 422)
            }
        }
    }

    @Test func `F-K1: a wrong policy is refused with all its errors, and nothing of it is applied`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            let before = try await admin.redisText(["GET", "weir:policy"])
            let wrong = policyText.replacing("per: user", with: "per: usr").replacing("kill_switch", with: "killswitch")
            for (method, path) in [("PUT", path + "?name=my.yaml"), ("POST", path + "/check?name=my.yaml")] {
                let answer = try await admin.send(.init(rawValue: method), path, wrong, type: "application/yaml")
                #expect(answer.status == 422)
                #expect(answer.error?.code == "invalid_policy")
                struct Body: Decodable {
                    struct Errors: Decodable {
                        struct Line: Decodable { let line: Int, column: Int, field: String, text: String }
                        let errors: [Line]
                    }
                    let error: Errors
                }
                let errors = try answer.decoded(Body.self).error.errors
                #expect(errors.map(\.line) == [4, 6])
                #expect(errors.first?.text.hasPrefix("my.yaml:4:30: classes.lookup.killswitch: ") == true)
            }
            #expect(try await admin.redisText(["GET", "weir:policy"]) == before)
            #expect(try await admin.ledger.policies(limit: 10).count == 1)
            try FaultReport(
                "F-K1", invariant: "a wrong policy file is refused whole, with file:line:column: field",
                bound: "0 versions applied of 2 errors", measured: "0, 2 errors named"
            ).report()
        }
    }

    @Test func `checking applies nothing`() async throws {
        try await withAdmin { admin in
            let answer = try await admin.send(.POST, path + "/check", policyText, type: "application/yaml")
            #expect(answer.body == #"{"limits":1,"ok":true,"products":2}"#)
            #expect(try await admin.ledger.currentPolicy() == nil)
            #expect(try await admin.redisText(["EXISTS", "weir:policy"]) == "0")
        }
    }

    @Test func `the server's environment is nobody's to read`() async throws {
        try await withAdmin { admin in
            let text = policyText + "\nalerts: { webhook: \"${PATH}\" }"
            let answer = try await admin.send(.PUT, path, text, type: "application/yaml")
            #expect(answer.status == 422)
            #expect(answer.body.contains("PATH is not set"))
        }
    }

    @Test func `of many policies applied at once the newest is published`() async throws {
        try await withAdmin { admin in
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for amount in 1...12 {
                    let text = policyText.replacing("amount: 5", with: "amount: \(amount)")
                    tasks.addTask { _ = try await admin.send(.PUT, path, text, type: "application/yaml") }
                }
                try await tasks.waitForAll()
            }
            let newest = try await admin.ledger.currentPolicy()
            #expect(newest?.version == 12)
            #expect(try await admin.redisText(["GET", "weir:policy"]) == newest?.json)
        }
    }

    @Test func `a policy that cannot be published stands in the ledger, and the answer says so`() async throws {
        try await withAdmin { admin in
            admin.redis.kill()
            let answer = try await admin.send(.PUT, path, policyText, type: "application/yaml")
            #expect(answer.status == 503)
            #expect(answer.error?.code == "not_published")
            #expect(try await admin.ledger.currentPolicy()?.version == 1)
            #expect(try await admin.send(.PUT, path, policyText).status == 415)
        }
    }
}
