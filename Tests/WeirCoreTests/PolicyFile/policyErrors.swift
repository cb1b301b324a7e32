import WeirCore

/// What is wrong with a text, one line each.
func policyErrors(_ text: String, environment: [String: String] = [:]) -> [String] {
    do {
        _ = try PolicyFile.read(text: text, name: "p.yaml", environment: environment)
        return []
    } catch {
        return error.errors.map(\.description)
    }
}

/// What is wrong with a file's only limit, which stands in line 6.
func policyLimitErrors(_ limit: String) -> [String] {
    policyErrors(small(limit: limit)).map { String($0.dropFirst("p.yaml:6:".count)) }
}
