import GRDB
import WeirCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension SQLiteLedger {
    package func appendPrices(_ prices: [ModelPrice], audit: AuditEntry) async throws(LedgerError) -> Int {
        try await write { db in
            let version = 1 + (try Int.fetchOne(db, sql: "SELECT max(version) FROM price") ?? 0)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            for price in prices {
                try db.execute(
                    sql: """
                        INSERT INTO price (version, provider, model, valid_from, json, added_at, actor)
                        VALUES (?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        version, price.provider, price.model, price.validFrom?.id ?? "",
                        String(decoding: try encoder.encode(price), as: UTF8.self), audit.atMs, audit.actor,
                    ])
            }
            try Self.append(audit, to: db)
            return version
        }
    }

    package func addedPrices() async throws(LedgerError) -> AddedPrices {
        try await read { db in
            var added = AddedPrices.none
            for row in try Row.fetchAll(db, sql: "SELECT version, json FROM price ORDER BY id") {
                let json: String = row[1]
                added.version = row[0]
                added.models.append(try JSONDecoder().decode(ModelPrice.self, from: Data(json.utf8)))
            }
            return added
        }
    }
}
