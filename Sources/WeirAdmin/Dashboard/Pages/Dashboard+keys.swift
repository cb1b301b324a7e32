import Hummingbird
import WeirCore
import WeirLedger

extension Dashboard {
    func keyTable(_ keys: [LedgerKey], _ visit: Visit, back: PageAddress) -> DataTable {
        var table = DataTable(
            "keys", "API keys",
            [
                .text("Key", "id"), .text("User", "user"), .text("Groups", "groups"), .text("Products", "products"),
                .text("Models", "models"), .text("State", "status"), .text("Created (UTC)", "created_at"),
                .text("Ends (UTC)", "expires_at"), .screen("Act"),
            ],
            whenEmpty: el("span") {
                "No API key. Create one below, or with "
                el("code", text: "weir keys create")
                "."
            })
        // Those that work first, the newest first.
        let ordered = keys.sorted {
            ($0.revokedAtMs == nil ? 0 : 1, -$0.createdAtMs) < ($1.revokedAtMs == nil ? 0 : 1, -$1.createdAtMs)
        }
        for key in visit.isExport ? ordered[...] : ordered.prefix(100) {
            let record = key.record
            let isOver = record.expiresAtMs.map { $0 <= visit.nowMs } ?? false
            let state = !record.isActive ? "revoked" : isOver ? "ended" : "active"
            func all(_ names: [String]) -> DataTable.Cell {
                names.isEmpty ? .drawn(el("span", .css("none"), text: "all"), "") : .text(names.joined(separator: ", "))
            }
            table.rows.append([
                .drawn(el("span", .css("mono"), text: record.id), record.id),
                .text(
                    record.user,
                    link: record.user.map { PageAddress(.user, ["team": record.team, "user": $0]) }),
                .text(record.groups.isEmpty ? nil : record.groups.joined(separator: ", ")), all(record.products),
                all(record.models),
                .drawn(el("span", .css(state == "active" ? "tag ok" : "tag"), text: state), state),
                .time(key.createdAtMs), .time(record.expiresAtMs),
                .drawn(
                    state == "active"
                        ? rotateForm(record.id, visit, back) + revokeForm(record.id, visit, back) : .empty,
                    ""),
            ])
        }
        return table
    }

    private func rotateForm(_ id: String, _ visit: Visit, _ back: PageAddress) -> HTML {
        guard may(visit, .post, "keys/{id}/rotate") else { return .empty }
        return el("details") {
            el("summary") {
                "Rotate…"
                el("span", .css("unseen"), text: " \(id)")
            }
            PostForm(PageAddress(.keys), visit.session).html {
                void("input", .at(.type, "hidden"), .at(.name, "id"), .at(.value, id))
                void("input", .at(.type, "hidden"), .at(.name, "back"), .at(.value, back.text))
                el("p", .css("hint"), text: "A new key of the same rights takes its place.")
                el("div", .css("field")) {
                    el("label") {
                        "The old one goes on"
                        el("select", .at(.name, "overlap")) {
                            for (seconds, text) in [
                                (86_400, "for a day"), (3600, "for an hour"), (604_800, "for a week"),
                                (2_592_000, "for 30 days"), (0, "no longer"),
                            ] { el("option", .at(.value, seconds), text: text) }
                        }
                    }
                }
                el("button", .css("main small"), .at(.name, "act"), .at(.value, "rotate"), text: "Rotate")
            }
        }
    }

    private func revokeForm(_ id: String, _ visit: Visit, _ back: PageAddress) -> HTML {
        guard may(visit, .delete, "keys/{id}") else { return .empty }
        return el("details") {
            el("summary", .css("danger")) {
                "Revoke…"
                el("span", .css("unseen"), text: " \(id)")
            }
            PostForm(PageAddress(.keys), visit.session).html {
                void("input", .at(.type, "hidden"), .at(.name, "id"), .at(.value, id))
                void("input", .at(.type, "hidden"), .at(.name, "back"), .at(.value, back.text))
                el("p", .css("hint"), text: "Its calls are refused at once. This cannot be undone.")
                el("button", .css("danger small"), .at(.name, "act"), .at(.value, "revoke"), text: "Revoke for good")
            }
        }
    }

    func keyForm(_ team: String, _ visit: Visit) -> HTML {
        el("details", .css("card")) {
            el("summary", text: "Create an API key for \(team)…")
            PostForm(PageAddress(.keys), visit.session).html {
                void("input", .at(.type, "hidden"), .at(.name, "team"), .at(.value, team))
                el("div", .css("fields")) {
                    for (name, label) in [
                        ("user", "User (optional)"), ("groups", "Groups, by commas"),
                        ("products", "Products, by commas; none: all"), ("models", "Models, by commas; none: all"),
                    ] {
                        el("label") {
                            label
                            void("input", .at(.name, name), .at(.autocomplete, "off"))
                        }
                    }
                    el("label") {
                        "Ends"
                        el("select", .at(.name, "days")) {
                            el("option", .at(.value, ""), text: "never")
                            for days in [7, 30, 90, 365] { el("option", .at(.value, days), text: "in \(days) days") }
                        }
                    }
                    el("div") { el("button", .css("main"), .at(.name, "act"), .at(.value, "create"), text: "Create") }
                }
            }
        }
    }

    func changeKey(_ visit: Visit, _ fields: FormFields) async throws -> Outcome {
        let (id, back) = (fields["id"] ?? "", fields["back"].flatMap { PageAddress($0) } ?? PageAddress(.overview))
        if fields["act"] == "revoke" {
            _ = try await api.send(.delete, ["keys", id], as: visit, answer: KeyDescription.self)
            return .done(back, .keyRevoked)
        }
        if fields["act"] == "rotate" {
            guard let overlap = fields["overlap"].flatMap({ Int($0) }) else {
                throw AdminError(.invalidField, "how long the old key goes on is missing")
            }
            let rotated = try await api.send(
                .post, ["keys", id, "rotate"], body: .json(RotateRequest(overlapSeconds: overlap)), as: visit,
                answer: RotatedKey.self)
            let end = rotated.replaced.expiresAtMs.map { "ends \(Format.time($0))" } ?? "does not end"
            return .page(
                keyPage(
                    CreatedKey(key: rotated.key, description: rotated.description), back: back,
                    hint: "It takes the place of \(id), which \(end) (UTC)."))
        }
        func list(_ name: String) -> [String]? {
            fields[name].map { text in
                text.split(separator: ",").map { String($0.filter { !$0.isWhitespace }) }.filter { !$0.isEmpty }
            }
        }
        let days = fields["days"].flatMap { Int($0) }.map { min(max(1, $0), 3660) }
        let wanted = KeyRequest(
            team: fields["team"] ?? "", user: fields["user"], groups: list("groups"), products: list("products"),
            models: list("models"), expiresAtMs: days.map { visit.nowMs + $0 * 86_400_000 })
        let created = try await api.send(.post, ["keys"], body: .json(wanted), as: visit, answer: CreatedKey.self)
        return .page(keyPage(created, back: PageAddress(.team, ["team": created.description.team])))
    }

    private func keyPage(_ created: CreatedKey, back: PageAddress, hint: String? = nil) -> Page {
        let team = created.description.team
        var page = Page("API key \(created.description.id)", .teams, PageAddress(.team, ["team": team]))
        page.addHeading()
        page.add(SecretBox("key", created.key).html)
        if let hint { page.add(el("p", text: hint)) }
        page.add(el("p") { el("a", .href(back), text: back.page == .user ? "Back to the user" : "To team \(team)") })
        return page
    }
}

/// The text of a key or a token, the one time that it is shown.
struct SecretBox: Sendable {
    let what: String
    let text: String

    init(_ what: String, _ text: String) { (self.what, self.text) = (what, text) }

    var html: HTML {
        el("div", .css("notice warning")) {
            el("p", text: "Copy the \(what) now: it is shown this once, and only its digest is kept.")
            el("p") { el("code", .css("secret"), text: text) }
        }
    }
}
