import NIOCore
import WeirCore
import WeirRedis

/// Calls whose counters are in several shards: a reservation in each, all of the same id. Every shard decides for itself
/// in one step; if one denies, what the others hold is given back before the call is told. Nothing is ever admitted past
/// an amount; a call that is denied holds its cost elsewhere for a round trip, in which another may be denied for it.
extension Enforcer {
    /// Asks all shards at once that have not admitted the call yet.
    ///
    /// - Parameter held: the side parts that are admitted; emptied when the call is denied or fails.
    /// - Returns: `admitted` with the home's part when all are.
    func admitParts(
        of plan: LimitPlan, _ asked: AskedCall, namedAtMs: Int, held: inout [Reservation.Part]
    ) async -> PartAnswer {
        var due = [plan.home] + plan.sides
        let home = plan.home.shard
        var admitted = held
        due.removeAll { part in admitted.contains { $0.shard == part.shard.number } }
        let answers = await withTaskGroup(of: PartAnswer.self) { group in
            for part in due {
                group.addTask {
                    await self.admit(part, of: asked, namedAtMs: namedAtMs, isSide: part.shard != home)
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var denial: Denial?
        var failure: EnforcerError?
        for answer in answers {
            switch answer {
            case .admitted(let part): admitted.append(part)
            case .denied(let next): denial = denial.map { $0.waitsLonger(than: next) ? $0 : next } ?? next
            case .failed(let error): failure = failure ?? error
            case .wrongTime: break
            }
        }
        held = []
        if let failure {
            giveBack(admitted, of: asked)
            return .failed(failure)
        }
        if let denial {
            await retract(admitted, of: asked)
            return .denied(denial)
        }
        let homePart = admitted.first { $0.shard == home.number }
        held = admitted
        guard let homePart, admitted.count == plan.sides.count + 1 else { return .wrongTime }
        held.removeAll { $0.shard == home.number }
        return .admitted(homePart)
    }

    /// Gives back now, so that whoever is denied and comes again finds nothing held.
    private func retract(_ parts: [Reservation.Part], of asked: AskedCall) async {
        guard let home = parts.first else { return }
        await retract(
            Reservation(
                id: asked.id.text, admittedAtMs: home.admittedAtMs, leaseMs: leaseMs, call: asked.call,
                shard: home.shard, holds: home.holds, sideParts: Array(parts.dropFirst())), on: asked.loop)
    }

    /// Has them released by and by: Redis does not answer as it should.
    func giveBack(_ parts: [Reservation.Part], of asked: AskedCall) {
        for part in parts { unsettled.add(EndScript(.retract, asked.id, part) { _ in 0 }, because: nil) }
    }
}

extension Denial {
    fileprivate func waitsLonger(than other: Denial) -> Bool {
        guard let retryAfter else { return true }
        return other.retryAfter.map { retryAfter >= $0 } ?? false
    }
}
