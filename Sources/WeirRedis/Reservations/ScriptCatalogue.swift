/// The scripts of `lua/`, each with the shared pieces that it includes, as sent to Redis.
package enum ScriptCatalogue {
    package static let admit = script("admit", PackageResources.admit_lua)
    /// As far as admit.lua decides; Redis itself sees to it that nothing is written.
    package static let wouldAdmit = script("would-admit", decision(of: PackageResources.admit_lua))
    package static let settle = script("settle", PackageResources.settle_lua)
    package static let renew = script("renew", PackageResources.renew_lua)
    package static let release = script("release", PackageResources.release_lua)
    package static let reap = script("reap", PackageResources.reap_lua)
    package static let expired = script("expired", PackageResources.expired_lua)
    package static let peek = script("peek", PackageResources.peek_lua)

    package static let announce = script("announce", PackageResources.announce_lua)

    package static let unlimit = script("unlimit", PackageResources.unlimit_lua)
    package static let lead = script("lead", PackageResources.lead_lua)
    package static let fenced = script("fenced", PackageResources.fenced_lua)
    package static let seed = script("seed", PackageResources.seed_lua)
    package static let restore = script("restore", PackageResources.restore_lua)
    package static let raise = script("raise", PackageResources.raise_lua)
    package static let resend = script("resend", PackageResources.resend_lua)
    package static let reconciled = script("reconciled", PackageResources.reconciled_lua)
    package static let trim = script("trim", PackageResources.trim_lua)
    package static let regroup = script("regroup", PackageResources.regroup_lua)
    package static let open = script("open", PackageResources.open_lua)
    package static let counted = script("counted", PackageResources.counted_lua)
    package static let close = script("close", PackageResources.close_lua)
    package static let ready = script("ready", PackageResources.ready_lua)

    package static let all = [
        admit, wouldAdmit, settle, renew, release, reap, expired, peek, announce, unlimit, lead, fenced, seed, open,
        close, ready, counted,
        restore, raise, resend, reconciled, trim, regroup,
    ]

    private static let pieces: [Substring: [UInt8]] = [
        "lib/arguments.lua": PackageResources.arguments_lua,
        "lib/budgets.lua": PackageResources.budgets_lua,
        "lib/choice.lua": PackageResources.choice_lua,
        "lib/clock.lua": PackageResources.clock_lua,
        "lib/counters.lua": PackageResources.counters_lua,
        "lib/ending.lua": PackageResources.ending_lua,
        "lib/fence.lua": PackageResources.fence_lua,
        "lib/mark.lua": PackageResources.mark_lua,
        "lib/record.lua": PackageResources.record_lua,
        "lib/run.lua": PackageResources.run_lua,
        "lib/waits.lua": PackageResources.waits_lua,
    ]

    /// The script up to its line `--#decided`, as one that may not write.
    private static func decision(of source: [UInt8]) -> [UInt8] {
        let text = String(decoding: source, as: UTF8.self)
        guard text.hasPrefix("#!lua\n"), let end = text.firstRange(of: "\n--#decided") else {
            preconditionFailure("lua/admit.lua does not say where it has decided")
        }
        return Array("#!lua flags=no-writes\n\(text[..<end.lowerBound].dropFirst(6))\nreturn answer\n".utf8)
    }

    /// Replaces each line `--#include FILE` by that piece. Redis has no modules of its own.
    private static func script(_ name: String, _ source: [UInt8]) -> RedisScript {
        let lines = String(decoding: source, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        let body = lines.map { line in
            let mark = line.drop { $0 == " " }
            guard mark.hasPrefix("--#include ") else { return String(line) }
            guard let piece = pieces[mark.dropFirst("--#include ".count)] else {
                preconditionFailure("lua/\(name).lua includes what does not exist: \(line)")
            }
            return String(decoding: piece, as: UTF8.self)
        }
        return RedisScript(name: name, body: body.joined(separator: "\n"))
    }
}
