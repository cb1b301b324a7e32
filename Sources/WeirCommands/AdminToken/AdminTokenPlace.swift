import ArgumentParser
import Foundation
import WeirAdmin
import WeirCore
import WeirLedger

/// Where the admin tokens are: at the admin API, or in the ledger itself.
struct LedgerOption: ParsableArguments {
    @Option(help: "Work on the ledger itself, sqlite:PATH, instead of asking the admin API; for the first token.")
    var ledger: String?

    /// Runs `body` with the ledger's tokens, for whoever is logged in here; nil: the API is to be asked.
    func withTokens<Result>(_ body: (AdminTokens, AdminActor) async throws -> Result) async throws -> Result? {
        guard let ledger else { return nil }
        let store = try LedgerURL(ledger).open()
        let user = Setting.environment["USER"] ?? ""
        let actor = AdminActor(name: Subject.isValidID(user) ? user : "local", role: .admin, address: "local")
        do {
            let nowMs = Int(Date().timeIntervalSince1970 * 1000)
            let result = try await body(AdminTokens(ledger: store, nowMs: nowMs), actor)
            try await store.close()
            return result
        } catch {
            // What went wrong first is what is told.
            try? await store.close()
            throw error
        }
    }
}

/// A command about admin tokens, over the API or on the ledger.
protocol AdminTokenSubcommand: AdminCommand {
    var place: LedgerOption { get }

    func perform(_ tokens: AdminTokens, _ actor: AdminActor) async throws -> Report
}

extension AdminTokenSubcommand {
    func report() async throws -> Report {
        if let report = try await place.withTokens(perform) { return report }
        return try await AdminClient.with(
            url: Setting.adminURL.value(admin.adminUrl) ?? "", token: admin.token(), perform)
    }

    func json(_ message: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(message), as: UTF8.self)
    }
}
