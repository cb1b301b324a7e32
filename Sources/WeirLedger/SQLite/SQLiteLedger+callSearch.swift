import GRDB
import WeirCore

extension SQLiteLedger {
    package func calls(_ search: CallSearch, limit: Int) async throws(LedgerError) -> [UsageEvent] {
        let before = min(search.beforeMs, search.after?.calledAtMs.addingSaturated(1) ?? .max)
        return try await read { db in
            try Row.fetchAll(
                db.cachedStatement(sql: UsageEventColumns.selectNewest(ofTeam: search.team != nil)),
                arguments: [
                    search.fromMs, before, search.team, search.user, search.key, search.product, search.model,
                    search.outcome, search.after?.calledAtMs, search.after?.id, limit,
                ]
            ).map(UsageEventColumns.event)
        }
    }

    package func call(id: String) async throws(LedgerError) -> (event: UsageEvent, corrections: [CallCorrection])? {
        try await read { db in
            guard let row = try Row.fetchOne(db.cachedStatement(sql: UsageEventColumns.selectOne), arguments: [id])
            else { return nil }
            let corrections = try Row.fetchAll(
                db,
                sql: """
                    SELECT called_at, cost_micros, price_version FROM usage_event WHERE corrects = ? ORDER BY rowid
                    """, arguments: [id])
            return (
                try UsageEventColumns.event(row),
                corrections.map {
                    CallCorrection(atMs: $0[0], cost: MicroUSD(micros: $0[1]), priceVersion: $0[2])
                }
            )
        }
    }
}
