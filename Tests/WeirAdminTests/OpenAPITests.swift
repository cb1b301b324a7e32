import Foundation
import NIOHTTP1
import Testing
import WeirAdmin
import WeirLedger
import WeirTestSupport

@Suite struct OpenAPITests {
    private func document(_ admin: AdminFixture) async throws -> [String: Any] {
        let answer = try await admin.send(.GET, "/openapi.json", token: nil)
        #expect(answer.status == 200)
        return try #require(try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [String: Any])
    }

    /// Every operation of the document.
    private func operations(_ admin: AdminFixture) async throws -> [(
        method: String, path: String, value: [String: Any]
    )] {
        let paths = try #require(try await document(admin)["paths"] as? [String: [String: [String: Any]]])
        return paths.flatMap { path, methods in methods.map { ($0.key.uppercased(), path, $0.value) } }
    }

    @Test func `every operation is routed, and says whom it lets in`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            var viewer = "", operatorToken = ""
            for role in ["viewer", "operator"] {
                let made = try await admin.send(
                    .POST, "/admin/v1/admin-tokens", #"{"name":"x","role":"\#(role)"}"#)
                let text = try made.decoded(CreatedAdminToken.self).token
                if role == "viewer" { viewer = text } else { operatorToken = text }
            }
            let operations = try await operations(admin)
            #expect(operations.count > 40)
            for (method, path, value) in operations {
                let address = path.replacing(/\{[a-z]+\}/, with: "x")
                func status(_ token: String?) async throws -> Int {
                    try await admin.send(HTTPMethod(rawValue: method), address, token: token).status
                }
                guard let role = value["x-weir-role"] as? String else {
                    #expect(try await status(nil) == 200, "\(method) \(path)")
                    continue
                }
                #expect(try await status(nil) == 401, "\(method) \(path)")
                for (token, mayAct) in [(viewer, role == "viewer"), (operatorToken, role != "admin")] {
                    // Whoever may is told what is wrong with the request instead, or that there is no x.
                    let status = try await status(token)
                    #expect((status == 403) != mayAct, "\(method) \(path): \(status)")
                    #expect(status != 405 && status < 500, "\(method) \(path): \(status)")
                }
            }
        }
    }

    @Test func `a method that a path does not take is answered with those that it takes`() async throws {
        try await withAdmin { admin in
            let operations = try await operations(admin)
            for path in Set(operations.map(\.path)) {
                let taken = Set(operations.filter { $0.path == path }.map(\.method))
                let address = path.replacing(/\{[a-z]+\}/, with: "x")
                for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] where !taken.contains(method) {
                    let answer = try await admin.send(HTTPMethod(rawValue: method), address)
                    #expect(answer.status == 405, "\(method) \(path)")
                    let allowed = answer.headers.first(name: "allow") ?? ""
                    #expect(
                        Set(allowed.split(separator: ", ").map(String.init)) == taken, "\(method) \(path): \(allowed)")
                }
            }
            #expect(try await admin.send(.GET, "/admin/v1/nothing").status == 404)
        }
    }

    @Test func `every resource is in the document`() async throws {
        try await withAdmin { admin in
            let paths = Set(try await operations(admin).map { "\($0.method) \($0.path)" })
            for resource in [
                "costs", "teams", "users", "groups", "keys", "limits", "overrides", "limited", "usage", "events",
                "prices",
                "policy", "audit", "kill-switch", "admin-tokens", "denials", "status", "ledger/verify",
            ] { #expect(paths.contains("GET /admin/v1/\(resource)"), "\(resource)") }
            #expect(paths.contains("POST /admin/v1/kill-switch") && paths.contains("GET /healthz"))
        }
    }
}
