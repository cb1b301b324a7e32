extension PolicyFile {
    /// - Returns: also nil for a guard that would do nothing: one without `warn` whose switch is off.
    static func readCostGuard(_ value: PolicyValue) -> Policy.CostGuard? {
        guard let fields = value.fields(of: "cost_guard", known: ["warn", "kill", "period", "kill_switch"]) else {
            return nil
        }
        if fields["warn"] == nil, fields["kill"] == nil {
            value.report("has neither warn nor kill", "give one of them or both, or leave cost_guard out")
        }
        let warn = fields["warn"].flatMap { $0.money() }
        let kill = fields["kill"].flatMap { $0.money() }
        if let warn, let kill, warn > kill {
            fields["warn"]?.report("warn (\(warn)) is above kill (\(kill))", "a warning comes before the switch")
        }
        for name in ["warn", "kill"] {
            if let field = fields[name], (name == "warn" ? warn : kill) == .zero {
                field.report("0.00 is reached before the first call", "give an amount above 0, or leave \(name) out")
            }
        }
        let period = fields["period"].map { $0.choice(Period.self) } ?? .day
        // Without the switch the guard only warns.
        let throwsSwitch = fields["kill_switch"].map { $0.flag() } ?? true
        guard let period, let throwsSwitch, warn != nil || throwsSwitch else { return nil }
        return Policy.CostGuard(warn: warn, kill: throwsSwitch ? kill : nil, period: period)
    }

    static func readOutage(_ value: PolicyValue) -> Policy.Outage? {
        guard let fields = value.fields(of: "outage", known: ["open_for", "allowance"]) else { return nil }
        let openForMs = fields["open_for"].map { $0.durationMs() } ?? 0
        let allowance = fields["allowance"].map { $0.money() } ?? .zero
        if let openForMs, openForMs > UTCDay.lengthMs {
            fields["open_for"]?.report("is longer than a day", "use at most 1d")
            return nil
        }
        guard let openForMs, let allowance else { return nil }
        // One alone allows nothing, which nobody means who writes it.
        if openForMs > 0, fields["allowance"] == nil {
            value.report("allows nothing without an allowance", "say how much a node may spend: allowance: 0.50")
        } else if allowance > .zero, fields["open_for"] == nil {
            value.report("allows nothing without open_for", "say for how long a node may go on: open_for: 60s")
        }
        return Policy.Outage(openForMs: openForMs, allowance: allowance)
    }

    static func readAlerts(_ value: PolicyValue) -> Policy.Alerts? {
        guard let fields = value.fields(of: "alerts", known: ["at", "webhook", "form"]) else { return nil }
        let shares = fields["at"].flatMap { $0.elements() }?.compactMap { $0.share() } ?? []
        return Policy.Alerts(
            at: Array(Set(shares)).sorted(), webhook: fields["webhook"].flatMap(readWebhook),
            form: fields["form"].flatMap { $0.choice(Policy.Alerts.Form.self) })
    }

    /// An address, or nothing: an empty text, as an unset variable leaves behind.
    private static func readWebhook(_ value: PolicyValue) -> String? {
        let remedy = "use an address that begins with https:// or http://, or \"\" for none"
        guard let text = value.text(expecting: remedy), !text.isEmpty else { return nil }
        let schemes = ["https://", "http://"]
        guard let scheme = schemes.first(where: text.hasPrefix), text.utf8.count > scheme.utf8.count,
            text.utf8.count <= 2048, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else {
            // The address may hold a secret: it is not repeated.
            value.report("is not an address", remedy)
            return nil
        }
        return text
    }
}
