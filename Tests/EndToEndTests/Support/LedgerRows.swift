import GRDB

/// One row of `usage_event`.
struct LedgerEvent: Sendable {
    let id: String
    let team: String
    let user: String
    let request: String
    let endpoint: String
    let provider: String
    let product: String
    let requestedModel: String
    let model: String
    let tokens: Tokens
    let costMicros: Int
    let isOK: Bool
    let outcome: String
    let day: String

    fileprivate init(_ row: Row) {
        id = row["id"]
        team = row["team"]
        user = row["user"] ?? ""
        request = row["request"] ?? ""
        endpoint = row["endpoint"]
        provider = row["provider"]
        product = row["product"]
        requestedModel = row["requested_model"]
        model = row["model"]
        tokens = Tokens(
            input: row["input_tokens"], cacheRead: row["cache_read_tokens"], cacheWrite5m: row["cache_write_5m_tokens"],
            cacheWrite1h: row["cache_write_1h_tokens"], output: row["output_tokens"], reasoning: row["reasoning_tokens"]
        )
        costMicros = row["cost_micros"]
        isOK = row["ok"]
        outcome = row["outcome"]
        day = row["day"]
    }
}

extension Stack {
    /// Reads the ledger's file, as `sqlite3` would.
    func ledger<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        let queue = try DatabaseQueue(path: ready.ledger, configuration: configuration)
        return try await queue.read(body)
    }

    /// A team's events.
    func events(team: String) async throws -> [LedgerEvent] {
        try await ledger { db in
            try Row.fetchAll(
                db, sql: "SELECT *, date(called_at / 1000, 'unixepoch') AS day FROM usage_event WHERE team = ?",
                arguments: [team]
            ).map(LedgerEvent.init)
        }
    }
}
