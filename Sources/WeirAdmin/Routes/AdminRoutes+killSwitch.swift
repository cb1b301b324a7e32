import Hummingbird
import WeirCore
import WeirLedger

extension AdminRoutes {
    var killSwitchRoutes: [AdminRoute] {
        [
            .get("kill-switch") { _, _ in try await killSwitch() },
            .post("kill-switch", role: .operator) { request, context in try await changeKillSwitch(request, context) },
        ]
    }

    private func killSwitch() async throws -> Response {
        let nowMs = try await publication.nowMs()
        let states = try await publication.killSwitch().map {
            KillSwitchState(scope: $0.scope, entry: $0.entry, nowMs: nowMs)
        }
        return try answer(KillSwitchList(killSwitch: states))
    }

    private func changeKillSwitch(_ request: Request, _ context: AdminContext) async throws -> Response {
        let wanted = try await request.message(KillSwitchRequest.self, upTo: 65_536)
        let scope = try await scope(wanted.scope)
        let reason = try sentence(wanted.reason, "reason") ?? ""
        let nowMs = try await publication.nowMs()
        if wanted.on, reason.isEmpty {
            throw AdminError(
                .invalidField, "a thrown switch needs a reason", hint: "one sentence for those who are stopped")
        }
        if let until = wanted.until {
            guard wanted.on, until > nowMs / 1000, until < 253_402_300_800 else {
                throw AdminError(
                    .invalidField, "until must lie in the future, and only a thrown switch has one",
                    hint: "unix seconds; it is \(nowMs / 1000) now")
            }
        }
        let entry = KillSwitch.Entry(
            on: wanted.on, reason: reason, actor: context.actor.name, since: nowMs / 1000, until: wanted.until)
        let before = try await publication.killSwitch().first { $0.scope == scope.text }?.entry.value
        let action = wanted.on ? "kill-switch.on" : "kill-switch.off"
        try await ledger.changeStanding(
            set: [StandingEntry(.killSwitch, scope.text, entry.value)], remove: [],
            audit: [audit(context, action, scope.text, before: before, after: entry.value, reason: reason)])
        do {
            try await publication.set(entry, scope: scope)
        } catch {
            throw unchanged(error)
        }
        return try answer(KillSwitchState(scope: scope.text, entry: entry, nowMs: nowMs))
    }

    /// A scope that exists, a product's alias resolved. A misspelt one would stop nothing.
    private func scope(_ text: String) async throws -> KillSwitch.Scope {
        guard let scope = KillSwitch.Scope(text) else {
            throw AdminError(
                .invalidField, "\"\(text.prefix(60))\" is not a scope",
                hint: "use global, class:NAME, product:NAME, team:ID or model:NAME")
        }
        let policy = try await policyInForce()
        func exists(_ name: String, _ what: String, _ known: [String]) throws {
            if !known.contains(name) {
                throw AdminError(
                    .invalidField, "there is no \(what) \"\(name.prefix(60))\"",
                    hint: known.isEmpty ? "no policy was applied yet" : "use \(known.sorted().joined(separator: ", "))")
            }
        }
        switch scope {
        case .global: return scope
        case .team(let team): return .team(try valid(team, "a team"))
        case .model(let name): return .model(try model(name))
        case .callClass(let name):
            try exists(name, "class", policy.map { Array($0.classes.keys) } ?? [])
            return scope
        case .product(let name):
            let product = policy?.product(named: name)?.name ?? name
            try exists(product, "product", policy.map { Array($0.products.keys) } ?? [])
            return .product(product)
        }
    }
}
