import ArgumentParser
import Testing

@testable import WeirCommands

@Suite struct HelpTests {
    /// Every command, with its names from the root.
    static let commands: [(path: String, type: any ParsableCommand.Type)] = {
        func walk(_ type: any ParsableCommand.Type, _ path: String) -> [(String, any ParsableCommand.Type)] {
            [(path, type)]
                + type.configuration.subcommands.flatMap {
                    walk($0, path + " " + ($0.configuration.commandName ?? "?"))
                }
        }
        return walk(WeirCommand.self, "weir")
    }()

    @Test func `every command says what it does, why, and shows an example`() {
        for (path, type) in Self.commands {
            let configuration = type.configuration
            #expect(!configuration.abstract.isEmpty, "\(path)")
            #expect(configuration.abstract.last == ".", "\(path)")
            #expect(configuration.discussion.contains("\n  "), "\(path) has an example, indented")
            #expect(configuration.discussion.contains("weir "), "\(path)")
            #expect(type.helpMessage(columns: 80).contains("USAGE"), "\(path)")
        }
        #expect(Self.commands.count >= 29)
    }

    @Test func `every command that asks the admin API takes --json and the address, and never a token`() {
        for (path, type) in Self.commands where type.configuration.subcommands.isEmpty {
            let help = type.helpMessage(columns: 400)
            if type is any AdminCommand.Type {
                #expect(help.contains("--json"), "\(path)")
                #expect(help.contains("--admin-url"), "\(path)")
                #expect(help.contains("WEIR_ADMIN_URL"), "\(path)")
            }
            #expect(!help.contains("--admin-token "), "\(path)")
        }
    }

    @Test func `every command that lists something takes --csv`() {
        for (path, type) in Self.commands where type.configuration.subcommands.isEmpty {
            let help = type.helpMessage(columns: 400)
            #expect(help.contains("--csv") == (type is any AdminTableCommand.Type), "\(path)")
            if path.hasSuffix(" list") || path.hasSuffix(" versions") { #expect(help.contains("--csv"), "\(path)") }
        }
    }

    @Test(arguments: [
        ["keys", "create", "--team", "acme", "--user", "a", "--group", "g", "--product", "p", "--expires-in", "90d"],
        ["keys", "list", "--team", "acme", "--json"], ["keys", "revoke", "wk_1a2B3c4D"],
        ["alerts", "list", "--state", "dead", "--limit", "5", "--cursor", "x"], ["alerts", "test", "--json"],
        ["limits", "list"], ["limits", "set", "user:42", "spend", "75usd", "--until", "2026-12-01", "--reason", "why"],
        ["limits", "set", "team:acme", "ai_credits", "unlimited", "--for", "2h"],
        ["limits", "unset", "user:42", "spend"],
        ["keys", "rotate", "wk_1a2B3c4D", "--overlap", "24h"], ["prices", "list", "--day", "2026-10-01"],
        ["prices", "list", "--all"], ["prices", "check", "p.json"], ["prices", "add", "-", "--note", "n"],
        ["teams"], ["teams", "acme", "--json"], ["ledger", "rebuild"],
        ["ledger", "rebuild", "--from", "2026-11-01", "--to", "2026-11-02"],
        ["ledger", "verify"], ["ledger", "export", "--from", "2026-11-01", "--to", "2026-11-21"],
        ["ledger", "reprice", "--from", "2026-11-01", "--to", "2026-11-21", "--dry-run"],
        ["admin-token", "create", "--name", "ann", "--role", "admin", "--ledger", "sqlite:weir.db"],
        ["admin-token", "create", "--name", "oncall", "--role", "operator", "--expires", "90d"],
        ["admin-token", "create", "--name", "ci", "--role", "viewer", "--expires", "2027-01-01"],
        ["admin-token", "list", "--json"], ["admin-token", "revoke", "wa_1a2B3c4D"],
        ["doctor", "--redis", "redis://127.0.0.1:6379", "--json"], ["policy", "diff", "f.yaml"],
        ["policy", "diff", "--version", "3", "--json"], ["policy", "apply", "--version", "3"],
        ["policy", "versions", "--limit", "5"], ["usage", "--denials", "--days", "1", "--team", "acme"],
        ["limits", "explain", "--key", "wk_1a2B3c4D", "--model", "claude-sonnet-4", "--max-tokens", "1000"],
        ["limits", "explain", "--team", "acme", "--user", "alice", "--product", "p", "--model", "auto"],
        ["simulate", "--policy", "new.yaml", "--days", "30"],
        ["limited", "list", "--resource", "r"], ["limited", "add", "acme", "--resource", "r", "--for", "2h"],
        ["limited", "add", "acme", "--resource", "r", "--until", "2030-01-01"],
        ["limited", "remove", "acme", "--resource", "r"], ["kill-switch", "on", "--reason", "x", "--for", "30m"],
        ["kill-switch", "off", "--scope", "team:acme"], ["kill-switch", "status"], ["usage", "--by", "team"],
        ["usage", "--by", "day", "--from", "2026-11-01", "--to", "2026-11-30"],
        ["usage", "--by", "model", "--days", "3"],
        ["policy", "check", "-"], ["policy", "apply", "f.yaml", "--note", "n"], ["policy", "show", "--version", "3"],
        ["aggregator", "--listen", "127.0.0.1:0", "--ledger", "sqlite:x.db"],
        ["chaos", "--listen", "127.0.0.1:7000", "--to", "127.0.0.1:6379", "--seed", "7", "--delay", "50ms"],
        ["top"], ["top", "--once", "--json", "--interval", "10s", "--teams", "3"], ["top", "--color", "never"],
        ["probe"], ["probe", "http://127.0.0.1:9080/readyz", "--wait", "60s", "--json"],
        ["keys", "list", "--csv", "--color", "always"], ["usage", "--by", "team", "--csv"],
        ["gateway", "--redis", "redis://weir-gateway@r", "--redis-password-file", "f"],
    ])
    func `what the help shows is accepted`(arguments: [String]) throws { _ = try WeirCommand.parseAsRoot(arguments) }

    @Test(arguments: [
        ["keys", "create"], ["keys", "create", "--team", "a", "--expires-in", "90"], ["keys", "revoke"],
        ["limits", "set", "user:42", "spend"], ["limits", "unset", "user:42"],
        ["limits", "set", "user:42", "spend", "75usd", "--until", "tomorrow"],
        ["limited", "add", "acme", "--resource", "r"],
        ["limited", "add", "acme", "--resource", "r", "--for", "2h", "--until", "2030-01-01"],
        ["kill-switch", "on"], ["usage"], ["usage", "--by", "tem"], ["usage", "--by", "day", "--days", "0"],
        ["usage", "--by", "day", "--days", "3", "--from", "2026-11-01"], ["policy", "check"], ["nothing"],
        ["policy", "apply"],
        ["policy", "apply", "f.yaml", "--version", "3"], ["policy", "diff"], ["policy", "versions", "--limit", "0"],
        ["keys", "rotate"], ["usage", "--denials", "--by", "team"], ["usage", "--denials", "--user", "a"],
        ["keys", "rotate", "wk_1a2B3c4D", "--overlap", "24"], ["ledger", "reprice"],
        ["prices", "add"],
        ["keys", "rotate", "wk_00000000_000000000000000000000000000000003XfsTZ"],
        ["keys", "list", "--admin-token", "secret"],
        ["limits", "explain", "--key", "wk_1a2B3c4D"], ["limits", "explain", "--user", "alice", "--model", "m"],
        ["limits", "explain", "--key", "wk_00000000_000000000000000000000000000000003XfsTZ", "--model", "m"],
        ["admin-token", "create", "--name", "a"], ["admin-token", "create", "--name", "a", "--role", "root"],
        ["admin-token", "create", "--name", "a", "--role", "admin", "--expires", "soon"],
        ["admin-token", "revoke", "wa_00000000_000000000000000000000000000000003XfsTZ"],
        ["simulate", "--days", "3"], ["simulate", "--policy", "f", "--days", "0"],
        ["top", "--teams", "0"], ["top", "--interval", "2"], ["top", "--interval", "2h"], ["top", "--csv"],
        ["probe", "--wait", "60"], ["keys", "list", "--color", "blue"], ["keys", "revoke", "wk_1a2B3c4D", "--csv"],
        ["chaos"], ["chaos", "--listen", "127.0.0.1:0"], ["chaos", "--listen", "a:1", "--to", "a:2", "--seed", "x"],
        ["keys", "revoke", "wk_00000000_000000000000000000000000000000003XfsTZ"],
    ])
    func `wrong usage ends with exit code 64`(arguments: [String]) {
        do {
            _ = try WeirCommand.parseAsRoot(arguments)
            Issue.record("accepted: \(arguments)")
        } catch {
            #expect(WeirCommand.exitCode(for: error).rawValue == 64)
            #expect(!WeirCommand.fullMessage(for: error).contains("wk_00000000_0"))
        }
    }
}
