/// What an API key stands for, as kept under `weir:api-key:<sha256>`. The key itself is never stored.
public struct APIKeyRecord: Sendable, Hashable {
    /// The short id: shown to people, written to the ledger.
    public var id: String
    public var team: String
    public var user: String?
    public var groups: [String]
    /// Products it may use; empty: all. The first is its default.
    public var products: [String]
    /// Models it may use; empty: all.
    public var models: [String]
    /// Milliseconds since 1970; nil: never.
    public var expiresAtMs: Int?
    public var isActive: Bool

    /// Who calls without an API key, where a product allows it. The team's name is reserved: no key can be made for it.
    public static let anonymous = APIKeyRecord(id: "anonymous", team: "anonymous")

    public init(
        id: String, team: String, user: String? = nil, groups: [String] = [], products: [String] = [],
        models: [String] = [], expiresAtMs: Int? = nil, isActive: Bool = true
    ) {
        self.id = id
        self.team = team
        self.user = user
        self.groups = groups
        self.products = products
        self.models = models
        self.expiresAtMs = expiresAtMs
        self.isActive = isActive
    }

    /// The fields of the Redis hash: `id`, `team`, `user`, `groups`, `products`, `models` (comma-separated),
    /// `expires_at` (unix milliseconds), `status` (`active` or `revoked`). Absent fields are nil or empty.
    public var fields: [(name: String, value: String)] {
        var fields = [("id", id), ("team", team), ("status", isActive ? "active" : "revoked")]
        if let user { fields.append(("user", user)) }
        if !groups.isEmpty { fields.append(("groups", groups.joined(separator: ","))) }
        if !products.isEmpty { fields.append(("products", products.joined(separator: ","))) }
        if !models.isEmpty { fields.append(("models", models.joined(separator: ","))) }
        if let expiresAtMs { fields.append(("expires_at", String(expiresAtMs))) }
        return fields
    }

    /// Nil unless the hash has a valid id, team and status and nothing that cannot be read: a record that is
    /// damaged lets nobody in.
    public init?(fields: [String: String]) {
        guard let id = fields["id"], Subject.isValidID(id), let team = fields["team"], Subject.isValidID(team),
            team != Self.anonymous.team, let status = fields["status"]
        else { return nil }
        func list(_ name: String) -> [String] { (fields[name] ?? "").split(separator: ",").map(String.init) }
        if let user = fields["user"], !Subject.isValidID(user) { return nil }
        var expiresAtMs: Int?
        if let text = fields["expires_at"] {
            guard let ms = Int(text) else { return nil }
            expiresAtMs = ms
        }
        guard list("groups").allSatisfy(Subject.isValidID) else { return nil }
        self.init(
            id: id, team: team, user: fields["user"], groups: list("groups"), products: list("products"),
            models: list("models"), expiresAtMs: expiresAtMs, isActive: status == "active")
    }
}
