import WeirCore

/// One thing that `weir doctor` looked at.
struct Finding: Sendable, Equatable, Codable {
    enum Level: String, Sendable, Codable { case ok, warn, fail }

    var level: Level
    /// A short name for programs: `redis`, `eviction`, …
    var check: String
    /// What is.
    var text: String
    /// What to do about it.
    var remedy: String?

    static func ok(_ check: String, _ text: String) -> Finding { Finding(level: .ok, check: check, text: text) }
    static func warn(_ check: String, _ text: String, _ remedy: String) -> Finding {
        Finding(level: .warn, check: check, text: text, remedy: remedy)
    }
    static func fail(_ check: String, _ text: String, _ remedy: String) -> Finding {
        Finding(level: .fail, check: check, text: text, remedy: remedy)
    }
}

/// What the facts mean: pure.
enum Diagnosis {
    static func findings(_ facts: DoctorFacts) -> [Finding] {
        [
            version(facts), role(facts), eviction(facts), memory(facts), persistence(facts), clock(facts), meta(facts),
            leader(facts),
            shards(facts), backlog(facts), policy(facts), prices(facts), unpriced(facts), ends(facts),
        ]
    }

    private static func version(_ facts: DoctorFacts) -> Finding {
        let version = facts.info["redis_version"] ?? "unknown"
        guard let major = version.split(separator: ".").first.flatMap({ Int($0) }), major >= 7 else {
            return .fail(
                "version", "Redis \(version)", "use Redis 7 or newer: its scripts refuse before the first write")
        }
        return .ok("version", "Redis \(version)")
    }

    private static func role(_ facts: DoctorFacts) -> Finding {
        let role = facts.info["role"] ?? "unknown"
        return role == "master"
            ? .ok("role", "it takes writes")
            : .fail("role", "it is a \(role) and takes no writes", "point WEIR_REDIS_URL at the primary")
    }

    private static func eviction(_ facts: DoctorFacts) -> Finding {
        let policy = facts.info["maxmemory_policy"] ?? "unknown"
        if policy == "noeviction" { return .ok("eviction", "maxmemory-policy noeviction") }
        let remedy = "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf"
        return facts.info["maxmemory"] == "0"
            ? .warn("eviction", "maxmemory-policy \(policy), without effect while maxmemory is 0", remedy)
            : .fail("eviction", "maxmemory-policy \(policy): Redis may forget what was spent", remedy)
    }

    /// A full Redis admits nothing, and what fills it is mostly events that nobody takes away.
    private static func memory(_ facts: DoctorFacts) -> Finding {
        let used = facts.info["used_memory"].flatMap { Int($0) } ?? 0
        guard let most = facts.info["maxmemory"].flatMap({ Int($0) }), most > 0 else {
            return .ok("memory", "\(used >> 20) MiB used, without a bound")
        }
        let text = "\(used >> 20) of \(most >> 20) MiB used"
        if used < most / 5 * 4 { return .ok("memory", text) }
        let remedy = "is an aggregator taking the events away (backlog)? Else raise maxmemory"
        return used < most ? .warn("memory", text, remedy) : .fail("memory", text + ": nothing is admitted", remedy)
    }

    private static func persistence(_ facts: DoctorFacts) -> Finding {
        let remedy = "CONFIG SET appendonly yes, and the same in redis.conf"
        guard facts.info["aof_enabled"] == "1" else {
            return .warn(
                "persistence", "appendonly is off: a restart of Redis loses events that are not in the ledger yet",
                remedy)
        }
        if facts.info["aof_last_write_status"] == "err" {
            return .fail("persistence", "Redis cannot write its append-only file", "look at its disk and its log")
        }
        return .ok("persistence", "appendonly yes")
    }

    private static func clock(_ facts: DoctorFacts) -> Finding {
        let ms = facts.clockDifferenceMs
        if abs(ms) <= 1000 { return .ok("clock", "Redis's clock and this machine's agree within a second") }
        let text = "Redis's clock is \(abs(ms)) ms \(ms > 0 ? "ahead of" : "behind") this machine's"
        let remedy = "synchronise both clocks (NTP); days, windows and leases go by Redis's"
        return abs(ms) > 60_000 ? .fail("clock", text, remedy) : .warn("clock", text, remedy)
    }

    private static func meta(_ facts: DoctorFacts) -> Finding {
        if facts.meta.isEmpty {
            return .fail("meta", "weir:meta is missing", "start weir aggregator with this Redis: it sets it up")
        }
        guard facts.meta["layout"] == "1", let shards = facts.meta["shards"].flatMap({ Int($0) }),
            (1...100).contains(shards)
        else {
            return .fail(
                "meta",
                "weir:meta has layout \(facts.meta["layout"] ?? "none"), shards \(facts.meta["shards"] ?? "none")",
                "run gateways, aggregator and weir doctor of one version")
        }
        return .ok("meta", "layout 1, \(shards) shards")
    }

    private static func leader(_ facts: DoctorFacts) -> Finding {
        facts.hasLeader
            ? .ok("leader", "an aggregator leads")
            : .fail("leader", "no aggregator leads", "start weir aggregator, or read its log")
    }

    private static func shards(_ facts: DoctorFacts) -> Finding {
        if facts.shardsNotReady.isEmpty { return .ok("shards", "all shards are ready") }
        return .fail(
            "shards", "not ready, so nothing of them is admitted: \(facts.shardsNotReady.joined(separator: " "))",
            "the leading aggregator makes them ready once a policy is applied and their events are in the ledger")
    }

    private static func backlog(_ facts: DoctorFacts) -> Finding {
        facts.eventsWaiting <= 10_000
            ? .ok("backlog", "\(facts.eventsWaiting) usage events wait for the ledger")
            : .warn(
                "backlog", "\(facts.eventsWaiting) usage events wait for the ledger",
                "is an aggregator running, and has its disk space?")
    }

    private static func policy(_ facts: DoctorFacts) -> Finding {
        if let problem = facts.policyProblem {
            return .fail(
                "policy", "the published policy cannot be read: \(problem)", "run one version of weir everywhere")
        }
        guard let policy = facts.policy else {
            return .fail("policy", "no policy is published", "weir policy apply FILE")
        }
        return .ok("policy", "version \(policy.version), \(policy.limits.count) limits")
    }

    private static func prices(_ facts: DoctorFacts) -> Finding {
        if let problem = facts.pricesProblem {
            return .fail(
                "prices", "the published prices cannot be read: \(problem)", "run one version of weir everywhere")
        }
        return .ok("prices", "version \(facts.priceVersion)")
    }

    private static func unpriced(_ facts: DoctorFacts) -> Finding {
        if facts.unpricedModels.isEmpty { return .ok("models", "every model that policy or keys name has a price") }
        let rule = facts.policy?.unpricedModels ?? .deny
        let consequence =
            switch rule {
            case .deny: "their calls are denied"
            case .dearest: "their calls are charged like the dearest model"
            case .flag: "their calls cost nothing and are marked"
            }
        return .warn(
            "models", "without a price: \(facts.unpricedModels.joined(separator: ", ")); \(consequence)",
            "weir prices add FILE, or take the names out of policy and keys")
    }

    private static func ends(_ facts: DoctorFacts) -> Finding {
        let looked = "\(facts.keysLookedAt) keys looked at" + (facts.isScanCut ? ", not all" : "")
        if facts.keysWithoutEndCount == 0 { return .ok("ttl", "every counter ends by itself (\(looked))") }
        return .warn(
            "ttl",
            "\(facts.keysWithoutEndCount) counters have no TTL and would stay for ever, such as "
                + "\(facts.keysWithoutEnd.joined(separator: " ")) (\(looked))",
            "were they made by hand? EXPIRE them, or DEL them: a deleted counter counts from zero")
    }
}
