import Hummingbird
import WeirCore
import WeirLedger

extension Dashboard {
    /// The one control of the switch: what is stopped, why, and whether it is meant.
    func killSwitchForm(_ visit: Visit) async throws -> Page {
        try visit.session.actor.require(.operator, for: "the kill switch")
        let policy = try await routes.policyInForce()
        let isOff = visit.query["to"] == "off"
        let nowMs = try await publication.nowMs()
        let states = try await publication.killSwitch().map {
            KillSwitchState(scope: $0.scope, entry: $0.entry, nowMs: nowMs)
        }
        let thrown = states.filter(\.thrown)
        var page = Page(
            isOff ? "Let calls pass again" : "Stop calls", .overview,
            PageAddress(.killSwitch, ["to": visit.query["to"], "scope": visit.query["scope"]]))
        page.addHeading()
        guard !isOff || !thrown.isEmpty else {
            page.add(el("div", .css("notice")) { el("p", text: "The kill switch is not thrown: calls pass.") })
            return page
        }
        let scopes = isOff ? thrown.map(\.scope) : Self.scopes(policy)
        page.add(
            el("div", .css("card narrow")) {
                el("p") { isOff ? "What was stopped passes again on every node within a second." : Self.effect(policy) }
                PostForm(PageAddress(.killSwitch), visit.session).html {
                    void("input", .at(.type, "hidden"), .at(.name, "to"), .at(.value, isOff ? "off" : "on"))
                    scopeField(scopes, chosen: visit.query["scope"] ?? "global", isOff: isOff)
                    reasonField(isRequired: !isOff)
                    if !isOff { untilField }
                    el("div", .css("field")) {
                        el("label", .css("inline")) {
                            void(
                                "input", .at(.type, "checkbox"), .at(.name, "confirmed"), .at(.value, "yes"),
                                .mark(.required))
                            isOff ? "Yes, let these calls pass again" : "Yes, deny these calls on every node, now"
                        }
                    }
                    el("div", .css("buttons")) {
                        el(
                            "button", .css(isOff ? "main" : "danger"),
                            text: isOff ? "Let calls pass" : "Throw the kill switch")
                        el("a", .css("button"), .href(PageAddress(.overview)), text: "Cancel")
                    }
                }
            })
        page.add(switchTable(states))
        return page
    }

    private func scopeField(_ scopes: [String], chosen: String, isOff: Bool) -> HTML {
        el("div", .css("field")) {
            el("label", .at(.for, "scope"), text: isOff ? "What passes again" : "What is stopped")
            if isOff {
                el("select", .at(.id, "scope"), .at(.name, "scope")) {
                    for scope in scopes { option(scope, isChosen: scope == chosen) }
                }
            } else {
                void(
                    "input", .at(.id, "scope"), .at(.name, "scope"), .at(.value, chosen), .mark(.required),
                    .at(.ariaDescribedBy, "scope-hint"), .at(.autocomplete, "off"))
                el("p", .css("hint"), .at(.id, "scope-hint")) {
                    "global, or one of class:NAME, product:NAME, team:ID, model:NAME. Of this policy: "
                    scopes.joined(separator: ", ")
                }
            }
        }
    }

    func reasonField(isRequired: Bool) -> HTML {
        el("div", .css("field")) {
            el("label", .at(.for, "reason"), text: isRequired ? "Reason" : "Reason (optional)")
            if isRequired {
                void(
                    "input", .at(.id, "reason"), .at(.name, "reason"), .at(.maxlength, 500), .mark(.required),
                    .mark(.autofocus), .at(.autocomplete, "off"), .at(.ariaDescribedBy, "reason-hint"))
            } else {
                void(
                    "input", .at(.id, "reason"), .at(.name, "reason"), .at(.maxlength, 500), .at(.autocomplete, "off"),
                    .at(.ariaDescribedBy, "reason-hint"))
            }
            el(
                "p", .css("hint"), .at(.id, "reason-hint"),
                text: "One sentence. Whoever is stopped reads it, and it stands in the audit log.")
        }
    }

    private var untilField: HTML {
        el("div", .css("field")) {
            el("label", .at(.for, "hours"), text: "Until")
            el("select", .at(.id, "hours"), .at(.name, "hours")) {
                el("option", .at(.value, ""), text: "it is switched off")
                for hours in [1, 4, 24] {
                    el("option", .at(.value, hours), text: "\(hours) hour\(hours == 1 ? "" : "s") from now")
                }
            }
        }
    }

    private func option(_ value: String, isChosen: Bool) -> HTML {
        isChosen
            ? el("option", .at(.value, value), .mark(.selected), text: value)
            : el("option", .at(.value, value), text: value)
    }

    private static func scopes(_ policy: Policy?) -> [String] {
        guard let policy else { return ["global"] }
        return ["global"] + policy.classes.keys.sorted().map { "class:\($0)" }
            + policy.products.keys.sorted().map { "product:\($0)" }
    }

    private static func effect(_ policy: Policy?) -> String {
        let heeding = (policy?.classes ?? [:]).filter(\.value.killSwitch).keys.sorted()
        let others = (policy?.classes ?? [:]).filter { !$0.value.killSwitch }.keys.sorted()
        return
            "global stops the class\(heeding.count == 1 ? "" : "es") \(heeding.joined(separator: ", ")) on every node "
            + "within a second: calls are answered 503, and running ones go on to their end."
            + (others.isEmpty ? "" : " It leaves \(others.joined(separator: ", ")) alone.")
    }

    private func switchTable(_ states: [KillSwitchState]) -> HTML {
        var table = DataTable(
            "kill-switch", "All scopes that were ever switched",
            [
                .text("Scope", "scope"), .text("State", "state"), .text("Reason", "reason"), .text("By", "actor"),
                .text("Since (UTC)", "since"), .text("Until (UTC)", "until"),
            ], whenEmpty: HTML("The switch has never been thrown."))
        table.rows = states.map { state in
            [
                .text(state.scope), .drawn(Self.tag(state), state.thrown ? "thrown" : "off"), .text(state.reason),
                .text(state.actor), .time(state.since > 0 ? state.since.multipliedSaturated(by: 1000) : nil),
                .time(state.until.map { $0.multipliedSaturated(by: 1000) }),
            ]
        }
        return table.html(exports: nil)
    }

    private static func tag(_ state: KillSwitchState) -> HTML {
        el("span", .css(state.thrown ? "tag bad" : "tag"), text: state.thrown ? "thrown" : "off")
    }

    func changeKillSwitch(_ visit: Visit, _ fields: FormFields) async throws -> Outcome {
        guard fields["confirmed"] == "yes" else {
            throw AdminError(.invalidField, "it was not confirmed", hint: "tick the box, too")
        }
        let isOn = fields["to"] != "off"
        let until = fields["hours"].flatMap { Int($0) }.map { visit.nowMs / 1000 + min(max(1, $0), 8760) * 3600 }
        let wanted = KillSwitchRequest(
            scope: fields["scope"] ?? "global", on: isOn, reason: fields["reason"], until: isOn ? until : nil)
        _ = try await api.send(
            .post, ["kill-switch"], body: .json(wanted), as: visit, answer: KillSwitchState.self)
        return .done(PageAddress(.overview), isOn ? .switchThrown : .switchOff)
    }
}
