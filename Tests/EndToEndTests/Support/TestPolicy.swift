/// Policies of the tests.
enum TestPolicy {
    /// Room for everything but what the products `narrow`, `purse` and `shared` are there to show.
    static let roomy = """
        products:
          default: { class: ai, billable: true, resource: ai_credits }
          search:  { class: lookup, billable: false }
          narrow:  { class: narrow, billable: true, resource: ai_credits }
          purse:   { class: purse, billable: true, resource: ai_credits }
          shared:  { class: shared, billable: false, anonymous: true }
        classes:
          ai:     { kill_switch: true }
          lookup: { kill_switch: false }
          narrow: { kill_switch: true }
          purse:  { kill_switch: true }
          shared: { kill_switch: true }
        limits:
          - { id: ai-calls,     per: user, class: ai, unit: requests, window: 60s, amount: 100000 }
          - { id: day-tokens,   per: user, class: ai, unit: tokens, period: day, amount: 2000000000 }
          - { id: spend,        per: user, class: ai, unit: usd, period: month, amount: 100000.00 }
          - { id: at-once,      per: user, class: ai, unit: concurrency, amount: 1000 }
          - { id: narrow-calls, per: user, class: narrow, unit: requests, window: 1h, amount: \(narrowCalls) }
          - { id: purse,        per: user, class: purse, unit: usd, period: month, amount: 0.50 }
          - { id: shared-calls, per: product, class: shared, unit: requests, window: 1h, amount: \(sharedCalls) }
          - { id: ai_credits,   per: team, resource: ai_credits, unit: usd, period: month, amount: 100000.00, enforce: ledger }
        cost_guard: { warn: 100000.00, kill: 200000.00, period: day }
        unpriced_models: deny

        """

    static let narrowCalls = 30
    static let sharedCalls = 40
    static let purseMicros = 500_000
}
