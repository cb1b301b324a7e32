import ArgumentParser
import Foundation
import WeirAdmin

/// `weir keys rotate`.
struct KeysRotate: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Makes a new API key of the same rights, and lets the old one end after a while.",
        discussion: """
            The new key goes to stdout alone, once, and all about it to stderr. Both keys work until the overlap has passed; a \
            key that had an end gives the new one a life of the same length. weir keys revoke ends the old one at once.

              KEY=$(weir keys rotate wk_1a2B3c4D --overlap 24h)
            """)

    @Argument(help: "The id of the key to replace, as weir keys list shows it.")
    var id: String

    @Option(help: "How long the old key goes on: 30m, 24h or 7d, at most 90d. (default: 24h)")
    var overlap: Span?

    @OptionGroup var admin: AdminOptions

    func validate() throws { try KeysRevoke.refuseSecret(id) }

    func perform(_ client: AdminClient) async throws -> Report {
        let request = RotateRequest(overlapSeconds: overlap?.seconds ?? 86_400)
        do {
            let (rotated, json) = try await client.send(
                .post, ["keys", id, "rotate"], body: .json(request), as: RotatedKey.self)
            let end = rotated.replaced.expiresAtMs.map { timeText(ms: $0) } ?? "never"
            FileHandle.standardError.write(
                Data("\(rotated.description.id) takes the place of \(id), which ends \(end); shown once:\n".utf8))
            return Report(text: rotated.key, json: json)
        } catch AdminClientError.keyNotPublished(let created, let message, let hint) {
            return try KeysCreate.unpublished(created, message: message, hint: hint)
        }
    }
}
