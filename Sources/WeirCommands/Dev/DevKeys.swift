import Foundation
import WeirAdmin

/// The demo's API keys, made through the admin API. Kept in the directory, since a key is shown only once and a second
/// start in the same directory should have the same ones.
struct DevKeys {
    let directory: String
    let adminURL: String
    let token: String

    /// Who is there: team, user, groups.
    static let people: [(team: String, user: String, groups: [String])] = [
        ("acme", "alice", []), ("acme", "bob", ["contractors"]), ("globex", "carol", []), ("initech", "dave", []),
    ]

    /// `<team>/<user>` → key.
    func make() async throws -> [String: String] {
        let path = directory + "/keys.json"
        if let data = FileManager.default.contents(atPath: path) {
            guard let keys = try? JSONDecoder().decode([String: String].self, from: data) else {
                throw DevError(description: "\(path) holds no keys; remove it, and new ones are made")
            }
            return keys
        }
        let keys = try await AdminClient.with(url: adminURL, token: token) { client in
            var keys: [String: String] = [:]
            for person in Self.people {
                let request = KeyRequest(
                    team: person.team, user: person.user, groups: person.groups.isEmpty ? nil : person.groups)
                let created = try await client.send(.post, ["keys"], body: .json(request), as: CreatedKey.self).message
                keys["\(person.team)/\(person.user)"] = created.key
            }
            return keys
        }
        guard
            FileManager.default.createFile(
                atPath: path, contents: try JSONEncoder().encode(keys), attributes: [.posixPermissions: 0o600])
        else { throw DevError(description: "cannot write \(path)") }
        return keys
    }
}
