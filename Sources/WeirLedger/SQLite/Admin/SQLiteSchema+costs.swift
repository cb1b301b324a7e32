import WeirCore

/// What makes questions about many events quick.
extension SQLiteSchema {
    private static let columns = totals.map { "\($0) INTEGER NOT NULL" }.joined(separator: ",\n  ")

    /// Sums of `daily_summary`: by team and user, and by everything else. Kept by triggers, so that they are its sums
    /// whoever changes it, and in the same transaction.
    static let costs = """
        CREATE TABLE daily_user_summary (
          day TEXT NOT NULL,
          team TEXT NOT NULL,
          user TEXT NOT NULL,
          \(columns),
          PRIMARY KEY (day, team, user)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX daily_user_summary_team ON daily_user_summary (team, user, day);

        CREATE TABLE daily_kind_summary (
          day TEXT NOT NULL,
          product TEXT NOT NULL,
          endpoint TEXT NOT NULL,
          model TEXT NOT NULL,
          \(columns),
          PRIMARY KEY (day, product, endpoint, model)
        ) STRICT, WITHOUT ROWID;

        \(fill)
        """
        + coarse.map { table, key in
            """

            CREATE TRIGGER \(table)_insert AFTER INSERT ON daily_summary BEGIN \(add(table, key)) END;
            CREATE TRIGGER \(table)_delete AFTER DELETE ON daily_summary BEGIN \(subtract(table, key)) END;
            CREATE TRIGGER \(table)_update AFTER UPDATE ON daily_summary WHEN \(isSame(key))
            BEGIN \(change(table, key)) END;
            CREATE TRIGGER \(table)_move AFTER UPDATE ON daily_summary WHEN NOT (\(isSame(key)))
            BEGIN \(subtract(table, key)) \(add(table, key)) END;
            """
        }.joined()
            + """

            CREATE INDEX usage_event_team ON usage_event (team, called_at);
            CREATE INDEX api_key_user ON api_key (team, user);
            """

    static let byUser = (table: "daily_user_summary", key: ["day", "team", "user"])
    static let byKind = (table: "daily_kind_summary", key: ["day", "product", "endpoint", "model"])
    static let coarse = [byUser, byKind]

    /// Whoever changes `daily_summary` may write the coarser sums itself, and let the triggers rest meanwhile. Nobody else
    /// ever sees them at rest: it begins and ends within one transaction.
    static let restingTriggers = """
        CREATE TABLE coarse_triggers (
          id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
          rest INTEGER NOT NULL
        ) STRICT;
        INSERT INTO coarse_triggers VALUES (1, 0);
        """
        + coarse.map { table, key in
            """

            DROP TRIGGER \(table)_insert;
            DROP TRIGGER \(table)_update;
            CREATE TRIGGER \(table)_insert AFTER INSERT ON daily_summary WHEN \(areAwake)
            BEGIN \(add(table, key)) END;
            CREATE TRIGGER \(table)_update AFTER UPDATE ON daily_summary WHEN \(isSame(key)) AND \(areAwake)
            BEGIN \(change(table, key)) END;
            """
        }.joined()

    private static let areAwake = "NOT EXISTS (SELECT 1 FROM coarse_triggers WHERE rest = 1)"
    static let restTriggers = setResting(1)
    static let wakeTriggers = setResting(0)

    /// Also where somebody has deleted the row.
    private static func setResting(_ rest: Int) -> String {
        "INSERT INTO coarse_triggers VALUES (1, \(rest)) ON CONFLICT (id) DO UPDATE SET rest = excluded.rest"
    }

    /// Both tables, from `daily_summary` as it is.
    static let fill = coarse.map { table, key in
        let names = key.joined(separator: ", ")
        return """
            DELETE FROM \(table);
            INSERT INTO \(table) SELECT \(names), \(totals.map { "sum(\($0))" }.joined(separator: ", "))
            FROM daily_summary GROUP BY \(names);
            """
    }.joined(separator: "\n")

    private static func isSame(_ key: [String]) -> String {
        key.map { "OLD.\($0) = NEW.\($0)" }.joined(separator: " AND ")
    }

    private static func place(_ key: [String]) -> String { key.map { "\($0) = OLD.\($0)" }.joined(separator: " AND ") }

    /// Sums stop at 2^53 - 1, as those of `daily_summary` do.
    private static func add(_ table: String, _ key: [String]) -> String {
        let sums = totals.map { "\($0) = min(\($0) + excluded.\($0), \(Int.largestExact))" }
        return """
            INSERT INTO \(table) VALUES (\((key + totals).map { "NEW.\($0)" }.joined(separator: ", ")))
            ON CONFLICT DO UPDATE SET \(sums.joined(separator: ", "));
            """
    }

    private static func change(_ table: String, _ key: [String]) -> String {
        let sums = totals.map { "\($0) = min(\($0) + NEW.\($0) - OLD.\($0), \(Int.largestExact))" }
        return "UPDATE \(table) SET \(sums.joined(separator: ", ")) WHERE \(place(key));"
    }

    private static func subtract(_ table: String, _ key: [String]) -> String {
        """
        UPDATE \(table) SET \(totals.map { "\($0) = \($0) - OLD.\($0)" }.joined(separator: ", ")) WHERE \(place(key));
        DELETE FROM \(table) WHERE \(place(key)) AND calls = 0 AND cost_micros = 0;
        """
    }
}
