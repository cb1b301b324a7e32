/// Policies of the tests.
enum TestPolicy {
    /// Room for everything but what the products `narrow`, `brief`, `purse`, `stairs` and `shared` are there to show.
    static let roomy = """
        products:
          default: { class: ai, billable: true, resource: ai_credits }
          search:  { class: lookup, billable: false }
          narrow:  { class: narrow, billable: true, resource: ai_credits }
          brief:   { class: brief, billable: true, resource: ai_credits }
          purse:   { class: purse, billable: true, resource: ai_credits }
          stairs:  { class: stairs, billable: true, resource: ai_credits, aliases: [steps] }
          shared:  { class: shared, billable: false, anonymous: true }
        classes:
          ai:     { kill_switch: true }
          lookup: { kill_switch: false }
          narrow: { kill_switch: true }
          brief:  { kill_switch: true }
          purse:  { kill_switch: true }
          stairs: { kill_switch: true }
          shared: { kill_switch: true }
        limits:
          - { id: ai-calls,     per: user, class: ai, unit: requests, window: 60s, amount: 100000 }
          - { id: day-tokens,   per: user, class: ai, unit: tokens, period: day, amount: 2000000000 }
          - { id: spend,        per: user, class: ai, unit: usd, period: month, amount: 100000.00 }
          - { id: at-once,      per: user, class: ai, unit: concurrency, amount: 1000 }
          - { id: narrow-calls, per: user, class: narrow, unit: requests, window: 1h, amount: \(narrowCalls) }
          - { id: brief-calls,  per: user, class: brief, unit: requests, window: 3s, amount: 1 }
          - { id: purse,        per: user, class: purse, unit: usd, period: month, amount: 0.50 }
          - { id: stairs,       per: user, class: stairs, unit: usd, period: month, amount: 0.20, downgrade_at: 0.8, clamp: true }
          - { id: shared-calls, per: product, class: shared, unit: requests, window: 1h, amount: \(sharedCalls) }
          - { id: ai_credits,   per: team, resource: ai_credits, unit: usd, period: month, amount: 100000.00, enforce: ledger }
        ladder: [{ model: claude-opus-4, tier: smart }, claude-sonnet-4, gpt-4o, claude-haiku-4]
        cost_guard: { warn: 100000.00, kill: 200000.00, period: day }
        unpriced_models: deny

        """

    /// `file.yaml:15:`, as an error about the first line with this text begins.
    static func place(_ file: String, of text: String, in policy: String = roomy) -> String {
        let line = policy.split(separator: "\n", omittingEmptySubsequences: false).firstIndex { $0.contains(text) }
        return "\(file):\((line ?? -1) + 1):"
    }

    static let narrowCalls = 30
    static let sharedCalls = 40
    static let purseMicros = 500_000
    static let stairsMicros = 200_000
}
