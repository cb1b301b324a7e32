import ArgumentParser
import Foundation
import WeirAdmin
import WeirLedger
import WeirProviders

/// `weir admin-token create`.
struct AdminTokenCreate: AdminTokenSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Makes an admin token and shows it, once.",
        discussion: """
            The token goes to stdout alone and all about it to stderr, so that this works:

              weir admin-token create --name ci --role viewer --expires 90d > admin-token

            Commands read it from WEIR_ADMIN_TOKEN or --admin-token-file.
            """)

    @Option(help: "Who acts with it: 1 to 128 of A-Z a-z 0-9 . _ @ : and -.")
    var name: String

    @Option(help: "viewer, operator or admin.")
    var role: AdminRole

    @Option(help: "When it ends: after 12h or 90d, or at 2027-01-01. Without it: never.")
    var expires: Expiry?

    @OptionGroup var place: LedgerOption
    @OptionGroup var admin: AdminOptions

    func perform(_ tokens: AdminTokens, _ actor: AdminActor) async throws -> Report {
        let created = try await tokens.create(request, by: actor)
        return report(created, json: try json(created))
    }

    func perform(_ client: AdminClient) async throws -> Report {
        let (created, json) = try await client.send(
            .post, ["admin-tokens"], body: .json(request), as: CreatedAdminToken.self)
        return report(created, json: json)
    }

    private var request: AdminTokenRequest {
        AdminTokenRequest(
            name: name, role: role.rawValue, expiresAt: expires.map { rfc3339(ms: $0.unixSeconds * 1000) })
    }

    private func report(_ created: CreatedAdminToken, json: String) -> Report {
        let about = created.description
        FileHandle.standardError.write(
            Data(
                "\(about.id) for \(about.name), role \(about.role), ends \(about.expiresAt ?? "never"); shown once:\n"
                    .utf8))
        return Report(text: created.token, json: json)
    }
}

extension AdminRole: ExpressibleByArgument {}
