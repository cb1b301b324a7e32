import NIOCore
import WeirCore
import WeirRedis

/// Calls whose counters are in several shards: a reservation in each, all of the same id. Every shard decides for itself
/// in one step; if one denies, what the others hold is given back before the call is told. Nothing is ever admitted past
/// an amount; a call that is denied holds its cost elsewhere for a round trip, in which another may be denied for it.
///
/// Where several models may serve, the sides are asked first, and the home chooses from the cheapest that they chose
/// on: two round trips, and no side ever holds less than the model costs that serves.
extension Enforcer {
    /// Asks all shards that have not admitted the call yet.
    ///
    /// - Parameter held: the side parts that are admitted; emptied when the call is denied or fails.
    /// - Returns: `admitted` with the home's part when all are.
    func admitParts(of plan: LimitPlan, _ asked: AskedCall, held: inout [AdmittedPart]) async -> PartAnswer {
        let hasChoice = plan.candidates.count > 1
        var due = plan.sides.filter { side in !held.contains { $0.part.shard == side.shard } }
        if !hasChoice { due.append(plan.home) }
        var answers = await ask(due, asked, plan)
        if hasChoice, answers.allSatisfy({ if case .admitted = $0 { true } else { false } }) {
            let chosen = (held + answers.compactMap(\.part)).map(\.candidate).max() ?? 0
            let rest = Array(plan.candidates[chosen...])
            var answer = await admit(plan.home.dropping(first: chosen), of: asked, on: rest, sides: plan.sides)
            if case .admitted(var part) = answer {
                part.candidate += chosen
                answer = .admitted(part)
            }
            answers.append(answer)
        }
        return await conclude(answers, home: plan.home.shard, count: plan.sides.count + 1, asked, held: &held)
    }

    private func ask(_ parts: [LimitPlan.Part], _ asked: AskedCall, _ plan: LimitPlan) async -> [PartAnswer] {
        await withTaskGroup(of: PartAnswer.self) { group in
            for part in parts {
                group.addTask {
                    let isSide = part.shard != plan.home.shard
                    return await self.admit(
                        part, of: asked, on: plan.candidates, isSide: isSide, sides: isSide ? [] : plan.sides)
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    private func conclude(
        _ answers: [PartAnswer], home: Shard, count: Int, _ asked: AskedCall, held: inout [AdmittedPart]
    ) async -> PartAnswer {
        var admitted = held
        var denial: Denial?
        var failure: EnforcerError?
        for answer in answers {
            switch answer {
            case .admitted(let part): admitted.append(part)
            case .denied(let next): denial = denial.map { $0.waitsLonger(than: next) ? $0 : next } ?? next
            // What is the operator's to mend must not be taken for an outage because another shard has one.
            case .failed(let error): if failure?.isOutage ?? true { failure = error }
            case .wrongTime: break
            }
        }
        held = []
        if let failure {
            giveBack(admitted, of: asked.id)
            // Whatever the others would say: a limit denies the call.
            return denial.map { .denied($0) } ?? .failed(failure)
        }
        if let denial {
            if asked.id == .none { return .denied(denial) }
            await retract(admitted, of: asked)
            return .denied(denial)
        }
        let homePart = admitted.first { $0.part.shard == home }
        held = admitted
        guard let homePart, admitted.count == count else { return .wrongTime }
        held.removeAll { $0.part.shard == home }
        return .admitted(homePart)
    }

    /// Gives back now, so that whoever is denied and comes again finds nothing held.
    private func retract(_ parts: [AdmittedPart], of asked: AskedCall) async {
        guard let home = parts.first else { return }
        await retract(
            Reservation(
                id: asked.id.text, admittedAtMs: home.nowMs, leaseMs: leaseMs, call: asked.call,
                shard: home.part.shard.number, holds: home.holds, sideParts: parts.dropFirst().map(\.held)),
            on: asked.loop)
    }

    /// Has them released by and by: Redis does not answer as it should.
    func giveBack(_ parts: [AdmittedPart], of id: ReservationID) {
        if id == .none { return }
        for part in parts { unsettled.add(EndScript(.retract, id, part.held) { _ in 0 }, because: nil) }
    }
}

extension Enforcer.PartAnswer {
    fileprivate var part: Enforcer.AdmittedPart? {
        if case .admitted(let part) = self { part } else { nil }
    }
}

extension Enforcer.AdmittedPart {
    fileprivate var held: Reservation.Part {
        Reservation.Part(shard: part.shard.number, admittedAtMs: nowMs, holds: holds)
    }
}

extension Denial {
    func waitsLonger(than other: Denial) -> Bool {
        guard let retryAfter else { return true }
        return other.retryAfter.map { retryAfter >= $0 } ?? false
    }
}
