import WeirCore

/// What is asked before any limit, from memory alone: kill switch, then limited set.
enum Gate {
    enum Answer {
        /// These of the candidates may ask their limits: at least one.
        case open([Int])
        case denied(Denial)
    }

    /// A model whose kill switch is on is passed over where another may serve.
    static func open(
        _ candidates: [Candidate], for call: Call, in snapshot: Replica.Snapshot, nowMs: Int
    ) -> Answer {
        // Nearly always: no switch is thrown, and nothing else depends on the model.
        if snapshot.killSwitch.isEmpty, !candidates.isEmpty {
            return denial(of: call, in: snapshot, nowMs: nowMs).map { .denied($0) } ?? .open(Array(candidates.indices))
        }
        var open: [Int] = []
        var first: Denial?
        for (index, candidate) in candidates.enumerated() {
            if let denial = denial(of: call.served(by: candidate), in: snapshot, nowMs: nowMs) {
                first = first ?? denial
            } else {
                open.append(index)
            }
        }
        return open.isEmpty ? .denied(first ?? Denial(.modelNotAllowed, "No model may serve this call.")) : .open(open)
    }

    /// Nil: the call may ask its limits.
    ///
    /// - Parameter nowMs: Redis's time as far as known.
    static func denial(of call: Call, in snapshot: Replica.Snapshot, nowMs: Int) -> Denial? {
        killSwitchDenial(of: call, in: snapshot, nowMs: nowMs) ?? payerDenial(of: call)
            ?? limitedDenial(of: call, in: snapshot, nowMs: nowMs)
    }

    /// What is billed needs somebody who pays: it is never free.
    private static func payerDenial(of call: Call) -> Denial? {
        guard call.billable, call.team.isEmpty else { return nil }
        return Denial(
            .forbidden, "Calls of the product '\(call.product)' are billed to a team, and this caller has none.")
    }

    private static func killSwitchDenial(of call: Call, in snapshot: Replica.Snapshot, nowMs: Int) -> Denial? {
        guard !snapshot.killSwitch.isEmpty else { return nil }
        var scopes: [KillSwitch.Scope] = [
            .product(call.product), .team(call.team), .model(call.model), .callClass(call.callClass),
        ]
        if snapshot.policy?.classes[call.callClass]?.killSwitch ?? true { scopes.insert(.global, at: 0) }
        for scope in scopes {
            guard let entry = snapshot.killSwitch[scope], entry.isThrown(nowMs: nowMs) else { continue }
            let untilMs = entry.until?.multipliedSaturated(by: 1000)
            return Denial(
                .killSwitch,
                "The kill switch is on for \(scope.text): \(entry.reason.isEmpty ? "no reason given" : entry.reason)",
                subject: scope.text, resetsAtMs: untilMs, retryAfter: untilMs.map { Denial.seconds($0 - nowMs) })
        }
        return nil
    }

    private static func limitedDenial(of call: Call, in snapshot: Replica.Snapshot, nowMs: Int) -> Denial? {
        guard call.billable, let resource = call.resource, let untilMs = snapshot.limited[resource]?[call.team],
            untilMs > nowMs
        else { return nil }
        // A score of `inf`: until somebody takes it back.
        let isEndless = untilMs >= ReplicaReader.endlessMs
        let wait = isEndless ? nil : Denial.seconds(untilMs - nowMs)
        let limit = snapshot.policy?.limits.first { $0.enforce == .ledger && $0.match.resource == resource }
        return Denial(
            .teamLimited,
            "Team \(call.team) \(wait.map { "has used up its \(resource). Try again in \($0) s." } ?? "may not use \(resource).")",
            limit: limit?.id, subject: Subject.team(call.team).text, unit: limit?.unit, amount: limit?.amount,
            amountSource: limit.map { _ in .default }, resetsAtMs: isEndless ? nil : untilMs, retryAfter: wait)
    }
}
