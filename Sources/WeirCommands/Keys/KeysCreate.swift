import ArgumentParser
import Foundation
import WeirAdmin

/// `weir keys create`.
struct KeysCreate: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Makes an API key and shows it, once.",
        discussion: """
            The key goes to stdout alone and all about it to stderr, so that this works:

              KEY=$(weir keys create --team acme --user alice --product slack_app)

            Ids of teams, users and groups are 1 to 128 of A-Z a-z 0-9 . _ @ : and -. Without --product the key may use \
            every product; with it, the first one is what calls without a product in their path count as.
            """)

    @Option(help: "Who pays.")
    var team: String

    @Option(help: "Who acts; without it the key counts as a user of its own.")
    var user: String?

    @Option(name: .customLong("group"), help: "A group of the user, for its amounts in limits; may be repeated.")
    var groups: [String] = []

    @Option(name: .customLong("product"), help: "A product that the key may use; may be repeated.")
    var products: [String] = []

    @Option(name: .customLong("model"), help: "A model that the key may use; may be repeated.")
    var models: [String] = []

    @Option(help: "After how long it ends: 12h or 90d.")
    var expiresIn: Span?

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        func list(_ names: [String]) -> [String]? { names.isEmpty ? nil : names }
        let nowMs = Int(Date().timeIntervalSince1970 * 1000)
        let request = KeyRequest(
            team: team, user: user, groups: list(groups), products: list(products), models: list(models),
            expiresAtMs: expiresIn.map { nowMs + $0.seconds * 1000 })
        do {
            let (created, json) = try await client.send(.post, ["keys"], body: .json(request), as: CreatedKey.self)
            return Self.report(created, json: json)
        } catch AdminClientError.keyNotPublished(let created, let message, let hint) {
            return try Self.unpublished(created, message: message, hint: hint)
        }
    }

    /// The only copy of the key's text: shown, although it opens nothing yet.
    static func unpublished(_ created: CreatedKey, message: String, hint: String) throws -> Report {
        FileHandle.standardError.write(Data("weir: \(message)\n\(hint)\n".utf8))
        let json = String(decoding: try JSONEncoder().encode(created), as: UTF8.self)
        var report = report(created, json: json)
        report.isSuccess = false
        return report
    }

    private static func report(_ created: CreatedKey, json: String) -> Report {
        let owner = created.description.team + (created.description.user.map { "/" + $0 } ?? "")
        FileHandle.standardError.write(
            Data("\(created.description.id) for \(owner); the key is not shown again:\n".utf8))
        return Report(text: created.key, json: json)
    }
}
