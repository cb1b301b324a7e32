import Hummingbird
import WeirCore
import WeirLedger
import WeirProviders

extension Dashboard {
    /// Who may use the admin API and this dashboard.
    func adminTokens(_ visit: Visit) async throws -> Page {
        try visit.session.actor.require(.admin, for: "the list of admin tokens")
        var page = Page("Admin tokens", .tokens, PageAddress(.tokens))
        page.addHeading {
            el(
                "p", .css("muted"),
                text: "Who may use the admin API and this dashboard. Of a token only its digest is kept.")
        }
        page.add(tokenForm(visit))
        page.add(tokenTable(try await ledger.adminTokens(), visit))
        return page
    }

    private func tokenTable(_ tokens: [LedgerAdminToken], _ visit: Visit) -> DataTable {
        var table = DataTable(
            "admin-tokens", "All tokens, oldest first",
            [
                .text("Token", "id"), .text("Name", "name"), .text("Role", "role"), .text("State", "status"),
                .text("Created (UTC)", "created_at"), .text("Ends (UTC)", "expires_at"),
                .text("Last used (UTC)", "last_used_at"), .screen("Act"),
            ], whenEmpty: HTML("No token was made yet."))
        table.rows = tokens.map { token in
            let state = AdminTokenDescription(token, nowMs: visit.nowMs).status
            let isOwn = token.id == visit.session.actor.tokenID
            return [
                .drawn(el("span", .css("mono"), text: token.id), token.id), .text(token.name),
                .text(token.role.rawValue),
                .drawn(
                    el("span", .css(state == "active" ? "tag ok" : "tag"), text: isOwn ? "\(state), yours" : state),
                    state),
                .time(token.createdAtMs), .time(token.expiresAtMs), .time(token.lastUsedAtMs),
                .drawn(state == "active" ? revokeTokenForm(token, isOwn: isOwn, visit) : .empty, ""),
            ]
        }
        return table
    }

    private func revokeTokenForm(_ token: LedgerAdminToken, isOwn: Bool, _ visit: Visit) -> HTML {
        el("details") {
            el("summary", .css("danger")) {
                "Revoke…"
                el("span", .css("unseen"), text: " \(token.id) of \(token.name)")
            }
            PostForm(PageAddress(.tokens), visit.session).html {
                void("input", .at(.type, "hidden"), .at(.name, "id"), .at(.value, token.id))
                el(
                    "p", .css("hint"),
                    text: (isOwn ? "You have signed in with it, and will be signed out. " : "")
                        + "It is refused at once. This cannot be undone.")
                el("button", .css("danger small"), .at(.name, "act"), .at(.value, "revoke"), text: "Revoke for good")
            }
        }
    }

    private func tokenForm(_ visit: Visit) -> HTML {
        el("details", .css("card")) {
            el("summary", text: "Create an admin token…")
            PostForm(PageAddress(.tokens), visit.session).html {
                el("div", .css("fields")) {
                    el("label") {
                        "Name, for the audit log"
                        void("input", .at(.name, "name"), .mark(.required), .at(.autocomplete, "off"))
                    }
                    el("label") {
                        "Role"
                        el("select", .at(.name, "role")) {
                            for role in AdminRole.allCases { el("option", text: role.rawValue) }
                        }
                    }
                    el("label") {
                        "Ends"
                        el("select", .at(.name, "days")) {
                            for days in [30, 7, 90, 365] { el("option", .at(.value, days), text: "in \(days) days") }
                            el("option", .at(.value, ""), text: "never")
                        }
                    }
                    el("div") { el("button", .css("main"), .at(.name, "act"), .at(.value, "create"), text: "Create") }
                }
                el(
                    "p", .css("hint"),
                    text:
                        "A viewer reads, an operator also throws the kill switch and limits teams, an admin may do all. "
                        + "Once there is a token, nobody gets in without one.")
            }
        }
    }

    func changeAdminToken(_ visit: Visit, _ fields: FormFields) async throws -> Outcome {
        if fields["act"] == "revoke" {
            _ = try await api.send(
                .delete, ["admin-tokens", fields["id"] ?? ""], as: visit, answer: AdminTokenDescription.self)
            return .done(PageAddress(.tokens), .tokenRevoked)
        }
        let days = fields["days"].flatMap { Int($0) }.map { min(max(1, $0), 3660) }
        let wanted = AdminTokenRequest(
            name: fields["name"] ?? "", role: fields["role"] ?? "",
            expiresAt: days.map { rfc3339(ms: visit.nowMs + $0 * 86_400_000) })
        let created = try await api.send(
            .post, ["admin-tokens"], body: .json(wanted), as: visit, answer: CreatedAdminToken.self)
        var page = Page("Admin token \(created.description.id)", .tokens, PageAddress(.tokens))
        page.addHeading()
        page.add(SecretBox("token", created.token).html)
        page.add(
            el(
                "p",
                text: "\(created.description.name) is \(created.description.role) with it"
                    + (days.map { ", for \($0) days." } ?? ", until it is revoked.")))
        page.add(el("p") { el("a", .href(page.address), text: "To the admin tokens") })
        return .page(page)
    }
}
