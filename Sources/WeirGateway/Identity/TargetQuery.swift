import WeirProviders

/// What of a target's query goes on to the provider. The client's `key` never does.
enum TargetQuery {
    /// - Parameter text: what follows the question mark.
    /// - Returns: the query with its question mark, or nothing; and the keys that stood in it.
    static func read(
        _ text: Substring, _ provider: Dialect, _ endpoint: Endpoint
    ) throws(Route.Problem) -> (query: String, keys: [Substring]) {
        var keys: [Substring] = []
        var rest: [Substring] = []
        for field in text.split(separator: "&", omittingEmptySubsequences: false) {
            if field.hasPrefix("key=") {
                keys.append(field.dropFirst(4))
                continue
            }
            if provider == .gemini { try check(field, endpoint) }
            rest.append(field)
        }
        // Byte for byte what the client wrote, unless something had to be taken out.
        if keys.isEmpty { return ("?" + text, []) }
        return (rest.isEmpty ? "" : "?" + rest.joined(separator: "&"), keys)
    }

    /// Google's servers take system parameters of every API there, among them other credentials (`access_token`),
    /// another form of the answer (`alt`, `callback`) and masks that would leave usage out of it (`fields`).
    /// Source: https://cloud.google.com/apis/docs/system-parameters
    private static func check(_ field: Substring, _ endpoint: Endpoint) throws(Route.Problem) {
        if field.isEmpty || field == "alt=sse" || field == "alt=json" { return }
        let name = field.prefix { $0 != "=" }
        if name == "prettyPrint" { return }
        if endpoint == .models, name == "pageSize" || name == "pageToken" { return }
        throw .query(
            name == "alt"
                ? "An answer is read as JSON or as events: alt must be json or sse."
                : "The query may hold key, alt, prettyPrint, and in a list pageSize and pageToken, but nothing else.")
    }
}
