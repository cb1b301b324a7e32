import GRDB

/// The tables. Times are milliseconds since 1970, money is micro-dollars, both in INTEGER columns; days are `2026-11-21`.
enum SQLiteSchema {
    /// A migration that was released never changes: the next one changes what it made.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 usage") { db in
            try db.execute(sql: usage)
            try db.execute(sql: dailySummaryView)
        }
        migrator.registerMigration("1 decisions") { try $0.execute(sql: decisions) }
        migrator.registerMigration("2 overrides") { try $0.execute(sql: overrides) }
        migrator.registerMigration("2 prices") { try $0.execute(sql: prices) }
        migrator.registerMigration("2 denials") { try $0.execute(sql: denials) }
        migrator.registerMigration("3 leader") { try $0.execute(sql: leader) }
        migrator.registerMigration("3 standing") { try $0.execute(sql: standing) }
        migrator.registerMigration("4 admin tokens") { try $0.execute(sql: adminTokens) }
        migrator.registerMigration("4 costs") { try $0.execute(sql: costs) }
        migrator.registerMigration("4 event search") { try $0.execute(sql: eventSearch) }
        migrator.registerMigration("5 alerts") { try $0.execute(sql: alerts) }
        migrator.registerMigration("6 orphans") { try $0.execute(sql: orphans) }
        migrator.registerMigration("7 resting triggers") { try $0.execute(sql: restingTriggers) }
        return migrator
    }

    /// The token columns and the rest of a sum, in the order in which all statements name them.
    static let totals = [
        "calls", "errors", "input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
        "output_tokens", "reasoning_tokens", "cost_micros",
    ]

    private static let usage = """
        CREATE TABLE usage_event (
          id TEXT NOT NULL PRIMARY KEY,
          called_at INTEGER NOT NULL,
          team TEXT NOT NULL,
          user TEXT,
          key TEXT,
          session TEXT,
          request TEXT,
          product TEXT NOT NULL,
          billable INTEGER NOT NULL,
          class TEXT NOT NULL,
          endpoint TEXT NOT NULL,
          provider TEXT NOT NULL,
          role TEXT,
          task TEXT,
          requested_model TEXT NOT NULL,
          model TEXT NOT NULL,
          input_tokens INTEGER NOT NULL,
          cache_read_tokens INTEGER NOT NULL,
          cache_write_5m_tokens INTEGER NOT NULL,
          cache_write_1h_tokens INTEGER NOT NULL,
          output_tokens INTEGER NOT NULL,
          reasoning_tokens INTEGER NOT NULL,
          cost_micros INTEGER NOT NULL,
          price_version TEXT NOT NULL,
          known_model INTEGER NOT NULL,
          tool_used TEXT,
          latency_ms INTEGER NOT NULL,
          ok INTEGER NOT NULL,
          status INTEGER NOT NULL,
          outcome TEXT NOT NULL,
          prompt_version TEXT,
          extra TEXT
        ) STRICT;
        CREATE INDEX usage_event_called_at ON usage_event (called_at);

        -- The sum of the events above, by UTC day. A call without a user stands under ''.
        CREATE TABLE daily_summary (
          day TEXT NOT NULL,
          team TEXT NOT NULL,
          user TEXT NOT NULL,
          product TEXT NOT NULL,
          endpoint TEXT NOT NULL,
          model TEXT NOT NULL,
          calls INTEGER NOT NULL,
          errors INTEGER NOT NULL,
          input_tokens INTEGER NOT NULL,
          cache_read_tokens INTEGER NOT NULL,
          cache_write_5m_tokens INTEGER NOT NULL,
          cache_write_1h_tokens INTEGER NOT NULL,
          output_tokens INTEGER NOT NULL,
          reasoning_tokens INTEGER NOT NULL,
          cost_micros INTEGER NOT NULL,
          PRIMARY KEY (day, team, user, product, endpoint, model)
        ) STRICT, WITHOUT ROWID;

        -- Denials are counted, not logged one by one.
        CREATE TABLE daily_denial (
          day TEXT NOT NULL,
          team TEXT NOT NULL,
          user TEXT NOT NULL,
          limit_id TEXT NOT NULL,
          reason TEXT NOT NULL,
          denials INTEGER NOT NULL,
          PRIMARY KEY (day, team, user, limit_id, reason)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE dead_letter (
          stream TEXT NOT NULL,
          stream_id TEXT NOT NULL,
          raw BLOB NOT NULL,
          error TEXT NOT NULL,
          seen_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX dead_letter_stream ON dead_letter (stream, stream_id);
        """

    /// `total_cost_usd` is exact decimal text, since a floating-point sum would not be; `computed_at` is the moment of the
    /// question, since the sums are always current.
    private static let dailySummaryView = """
        CREATE VIEW api_daily_summary AS
        SELECT
          day AS summary_date,
          sum(calls) AS total_calls,
          printf('%d.%06d', sum(cost_micros) / 1000000, sum(cost_micros) % 1000000) AS total_cost_usd,
          json_object(
            'teams', (SELECT json_group_object(name, json_object('calls', calls, 'cost_micros', cost_micros)) FROM
              (SELECT team AS name, sum(calls) AS calls, sum(cost_micros) AS cost_micros
               FROM daily_summary WHERE day = d.day GROUP BY team ORDER BY team)),
            'products', (SELECT json_group_object(name, json_object('calls', calls, 'cost_micros', cost_micros)) FROM
              (SELECT product AS name, sum(calls) AS calls, sum(cost_micros) AS cost_micros
               FROM daily_summary WHERE day = d.day GROUP BY product ORDER BY product)),
            'endpoints', (SELECT json_group_object(name, json_object('calls', calls, 'cost_micros', cost_micros)) FROM
              (SELECT endpoint AS name, sum(calls) AS calls, sum(cost_micros) AS cost_micros
               FROM daily_summary WHERE day = d.day GROUP BY endpoint ORDER BY endpoint)),
            'models', (SELECT json_group_object(name, json_object('calls', calls, 'cost_micros', cost_micros)) FROM
              (SELECT model AS name, sum(calls) AS calls, sum(cost_micros) AS cost_micros
               FROM daily_summary WHERE day = d.day GROUP BY model ORDER BY model))
          ) AS breakdown_json,
          strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS computed_at
        FROM daily_summary AS d
        GROUP BY day;
        """

    /// Until when, why, who and when.
    private static let overrides = """
        ALTER TABLE override ADD COLUMN until INTEGER;
        ALTER TABLE override ADD COLUMN reason TEXT;
        ALTER TABLE override ADD COLUMN actor TEXT NOT NULL DEFAULT '';
        ALTER TABLE override ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
        """

    private static let decisions = """
        CREATE TABLE team (id TEXT NOT NULL PRIMARY KEY, name TEXT, created_at INTEGER NOT NULL) STRICT;
        CREATE TABLE user (
          team TEXT NOT NULL REFERENCES team (id), id TEXT NOT NULL, name TEXT, created_at INTEGER NOT NULL,
          PRIMARY KEY (team, id)
        ) STRICT;
        CREATE TABLE "group" (
          team TEXT NOT NULL REFERENCES team (id), id TEXT NOT NULL, created_at INTEGER NOT NULL,
          PRIMARY KEY (team, id)
        ) STRICT;

        -- Lists are JSON arrays. The key itself is never here, only its digest.
        CREATE TABLE api_key (
          id TEXT NOT NULL PRIMARY KEY,
          sha256 TEXT NOT NULL UNIQUE,
          team TEXT NOT NULL,
          user TEXT,
          groups TEXT NOT NULL,
          products TEXT NOT NULL,
          models TEXT NOT NULL,
          expires_at INTEGER,
          created_at INTEGER NOT NULL,
          revoked_at INTEGER
        ) STRICT;
        CREATE INDEX api_key_team ON api_key (team);

        CREATE TABLE override (
          limit_id TEXT NOT NULL,
          subject TEXT NOT NULL,
          amount INTEGER NOT NULL,
          PRIMARY KEY (limit_id, subject)
        ) STRICT, WITHOUT ROWID;

        -- Effective-dated and append-only: micro-dollars per million tokens of each kind.
        CREATE TABLE price (
          version TEXT NOT NULL,
          model TEXT NOT NULL,
          effective_at INTEGER NOT NULL,
          json TEXT NOT NULL,
          PRIMARY KEY (version, model)
        ) STRICT;

        CREATE TABLE policy (
          version INTEGER NOT NULL PRIMARY KEY,
          yaml TEXT NOT NULL,
          json TEXT NOT NULL,
          applied_at INTEGER NOT NULL,
          actor TEXT NOT NULL,
          note TEXT NOT NULL
        ) STRICT;

        CREATE TABLE audit (
          id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
          at INTEGER NOT NULL,
          actor TEXT NOT NULL,
          "from" TEXT NOT NULL,
          action TEXT NOT NULL,
          subject TEXT NOT NULL,
          before TEXT,
          after TEXT,
          reason TEXT
        ) STRICT;

        -- How often keys, policies or overrides changed. Kept by triggers, so that it holds for changes by hand, too.
        CREATE TABLE revision (id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL) STRICT;
        INSERT INTO revision VALUES (1, 0);
        """
        + ["api_key", "override", "policy"].flatMap { table in
            ["INSERT", "UPDATE", "DELETE"].map { event in
                """

                CREATE TRIGGER revision_\(table)_\(event.lowercased()) AFTER \(event) ON \(table)
                BEGIN UPDATE revision SET number = number + 1; END;
                """
            }
        }.joined()

    /// Until then nothing was written into `price`. A correction is an event with the call's id in `corrects`.
    private static let prices = """
        DROP TABLE price;
        -- What operators have added to the shipped prices: one row per model and addition, never changed.
        CREATE TABLE price (
          id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
          version INTEGER NOT NULL,
          provider TEXT NOT NULL,
          model TEXT NOT NULL,
          valid_from TEXT NOT NULL,
          json TEXT NOT NULL,
          added_at INTEGER NOT NULL,
          actor TEXT NOT NULL
        ) STRICT;
        CREATE TRIGGER price_update BEFORE UPDATE ON price
        BEGIN SELECT raise(ABORT, 'prices are only ever added'); END;
        CREATE TRIGGER price_delete BEFORE DELETE ON price
        BEGIN SELECT raise(ABORT, 'prices are only ever added'); END;
        CREATE TRIGGER revision_price_insert AFTER INSERT ON price
        BEGIN UPDATE revision SET number = number + 1; END;

        ALTER TABLE usage_event ADD COLUMN corrects TEXT;
        CREATE INDEX usage_event_corrects ON usage_event (corrects) WHERE corrects IS NOT NULL;
        """

    /// Alerts, each once by kind, subject and period; the queue of those to be sent, and what was given up.
    private static let alerts = """
        CREATE TABLE alert (
          id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
          kind TEXT NOT NULL,
          subject TEXT NOT NULL,
          period TEXT NOT NULL,
          severity TEXT NOT NULL,
          text TEXT NOT NULL,
          details TEXT NOT NULL,
          raised_at INTEGER NOT NULL,
          state TEXT NOT NULL,
          attempts INTEGER NOT NULL DEFAULT 0,
          -- When it is tried next; while an attempt is made, when that counts as lost.
          next_at INTEGER NOT NULL,
          error TEXT,
          UNIQUE (kind, subject, period)
        ) STRICT;
        CREATE INDEX alert_pending ON alert (next_at) WHERE state = 'pending';
        """

    /// A copy of what stands in Redis because somebody said so.
    private static let standing = """
        CREATE TABLE standing (
          kind TEXT NOT NULL,
          name TEXT NOT NULL,
          value TEXT NOT NULL,
          PRIMARY KEY (kind, name)
        ) STRICT, WITHOUT ROWID;
        """

    /// The token itself is never here, only its digest. A line of the audit names the token that it was done with.
    private static let adminTokens = """
        CREATE TABLE admin_token (
          id TEXT NOT NULL PRIMARY KEY,
          name TEXT NOT NULL,
          role TEXT NOT NULL,
          sha256 TEXT NOT NULL UNIQUE,
          created_at INTEGER NOT NULL,
          expires_at INTEGER,
          revoked_at INTEGER,
          last_used_at INTEGER
        ) STRICT;
        ALTER TABLE audit ADD COLUMN token TEXT;
        """

    /// One team's newest calls, without reading everybody's.
    private static let eventSearch = """
        CREATE INDEX IF NOT EXISTS usage_event_team ON usage_event (team, called_at);
        """

    /// The few whose real usage may still come, without reading everybody's.
    private static let orphans = """
        CREATE INDEX usage_event_orphaned ON usage_event (called_at) WHERE outcome = 'orphaned' AND corrects IS NULL;
        """

    /// The newest of all who have led.
    private static let leader = """
        CREATE TABLE leader (
          id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
          token INTEGER NOT NULL,
          name TEXT NOT NULL,
          since INTEGER NOT NULL,
          -- The run of Redis for which shards were opened last.
          opened_run TEXT
        ) STRICT;
        """

    /// Until then nothing was written into `daily_denial`. Each node counts for itself, so that its counts can be written
    /// again without counting twice; `daily_denial` is their sum.
    private static let denials = """
        DROP TABLE daily_denial;
        CREATE TABLE denial_count (
          day TEXT NOT NULL,
          node TEXT NOT NULL,
          team TEXT NOT NULL,
          user TEXT NOT NULL,
          limit_id TEXT NOT NULL,
          reason TEXT NOT NULL,
          denials INTEGER NOT NULL,
          PRIMARY KEY (day, team, user, limit_id, reason, node)
        ) STRICT, WITHOUT ROWID;
        -- Without a user or a limit: ''.
        CREATE VIEW daily_denial AS
        SELECT day, team, user, limit_id, reason, sum(denials) AS denials
        FROM denial_count GROUP BY day, team, user, limit_id, reason;
        """
}
