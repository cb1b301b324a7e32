/// What `weir dev` says when it is ready.
enum DevText {
    static func welcome(_ stack: DevStack) -> String {
        let ready = stack.ready
        let keys = ready.keys.sorted { $0.key < $1.key }
        let width = keys.map(\.key.count).max() ?? 0
        let lines = keys.map { name, key in
            "    " + name + String(repeating: " ", count: width - name.count) + "  " + key
        }
        let firstKey = keys.first?.value ?? ""
        // As it was called: `weir` alone is on nobody's path before it is installed.
        let weir = CommandLine.arguments.first ?? "weir"
        let port = ready.redis.split(separator: ":").last ?? ""
        return """
            Weir is ready. Nothing here costs money: a simulator stands in for the providers.

              gateways    \(ready.gateways.joined(separator: "  "))
              operations  \(ready.ops.joined(separator: "  "))   (/healthz /readyz /metrics)
              dashboard   \(ready.aggregator)/   (sign in with the token below)
              admin API   \(ready.aggregator)/admin/v1/
              simulator   \(ready.simulator)   (/log: what it was really sent; /metrics)
              Redis       \(ready.redis)
              files       \(stack.directory)

              API keys (team/user)
            \(lines.joined(separator: "\n"))

            A first call:
              curl \(ready.gateways.first ?? "")/v1/messages -H 'x-api-key: \(firstKey)' \\
                -H 'content-type: application/json' -H 'anthropic-version: 2023-06-01' \\
                -d '{"model":"claude-sonnet-4","max_tokens":100,"messages":[{"role":"user","content":"Hello"}]}'

            Look inside:
              redis-cli -p \(port) --scan --pattern 'weir:*'
              redis-cli -p \(port) ZADD weir:quota-limits:ai_credits 4102444800 acme     limits team acme; ZREM lets it go on
              export WEIR_ADMIN_URL=\(ready.aggregator) WEIR_ADMIN_TOKEN=\(ready.adminToken)
              \(weir) usage --by user        also: limited list, kill-switch status, top, --help

            Ctrl-C ends everything.
            """
    }
}
