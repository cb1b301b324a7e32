extension RedisError {
    /// Sorts an error reply by its first word, which is all of it that Redis keeps stable.
    init(reply: String) {
        let text = Self.withoutArguments(reply)
        switch reply.prefix(while: { $0 != " " }) {
        case "LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN":
            self = .serverBusy(text)
        case "OOM", "MISCONF", "READONLY", "NOREPLICAS":
            self = .writeRefused(text)
        case "NOAUTH", "WRONGPASS", "NOPERM", "CROSSSLOT", "MOVED", "ASK", "DENIED":
            self = .configuration(text)
        case "ERR" where Self.configurationPhrases.contains(where: reply.dropFirst(4).hasPrefix):
            self = .configuration(text)
        default:
            self = .server(text)
        }
    }

    /// Complaints about how we connect that have no first word of their own.
    private static let configurationPhrases = [
        "max number of clients", "invalid password", "Client sent AUTH", "AUTH <password> called without",
        "DB index is out of range", "invalid DB index", "SELECT is not allowed in cluster mode",
    ]

    /// Redis repeats the first arguments of a command it does not know; they may hold keys. Long texts are cut.
    private static func withoutArguments(_ reply: String) -> String {
        var text = reply[...]
        if text.hasPrefix("ERR unknown "), let comma = text.firstIndex(of: ",") { text = text[..<comma] }
        return String(text.prefix(256))
    }
}
