import Hummingbird
import WeirCore
import WeirLedger

extension AdminRoutes {
    var killSwitchRoutes: [AdminRoute] {
        [
            .get("kill-switch", "What the kill switch says, scope by scope", answer: KillSwitchList.self) {
                request, context in try await killSwitch(request, context)
            },
            .on(
                .post, "kill-switch", role: .operator, "Throw the kill switch for a scope, or take it back",
                body: .json(KillSwitchRequest.self), answer: KillSwitchState.self
            ) { request, context in try await changeKillSwitch(request, context) },
        ]
    }

    private func killSwitch(_ request: Request, _ context: AdminContext) async throws -> Response {
        try await listAnswer(request, context, as: "kill_switch") { _, place, limit in
            let (states, next) = page(try await killSwitchStates(), behind: place, limit) { [$0.scope] }
            return (KillSwitchList(killSwitch: states), next)
        }
    }

    /// What stands there, also what has ended.
    func killSwitchStates() async throws -> [KillSwitchState] {
        let nowMs = try await publication.nowMs()
        return try await publication.killSwitch().map {
            KillSwitchState(scope: $0.scope, entry: $0.entry, nowMs: nowMs)
        }
    }

    private func changeKillSwitch(_ request: Request, _ context: AdminContext) async throws -> Response {
        let wanted = try await request.message(KillSwitchRequest.self, upTo: 65_536)
        let scope = try await scope(wanted.scope)
        let reason = try sentence(wanted.reason, "reason") ?? ""
        let nowMs = try await publication.nowMs()
        if wanted.on, reason.isEmpty {
            throw AdminError(
                .invalidField, "a thrown switch needs a reason", hint: "one sentence for those who are stopped",
                field: "reason")
        }
        let until = try end(wanted.until, wanted.untilAt, nowMs: nowMs)
        if until != nil, !wanted.on {
            throw AdminError(.invalidField, "only a thrown switch has an end", hint: "leave until out", field: "until")
        }
        let entry = KillSwitch.Entry(
            on: wanted.on, reason: reason, actor: context.actor.name, since: nowMs / 1000, until: until)
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
