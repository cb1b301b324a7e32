import Yams

/// Reads the operator's YAML file strictly: whatever is not understood is an error with its line, and nothing of a file
/// with an error is applied.
public enum PolicyFile {
    /// A policy is a page or two; a larger text is a mistake.
    public static let largestTextBytes = 262_144

    /// The policy that the text describes, with version 0.
    ///
    /// - Parameter name: the file's name in errors.
    /// - Parameter environment: where `${NAME}` and `${NAME:-default}` take their values from.
    /// - Throws: everything that is wrong, at once; a text that is not YAML at all has one error.
    public static func read(text: String, name: String, environment: [String: String] = [:])
        throws(PolicyErrors) -> Policy
    {
        let reading = PolicyReading(file: name, environment: environment)
        if let node = root(of: text, reading), let policy = policy(from: node, reading), reading.errors.isEmpty {
            return policy
        }
        throw PolicyErrors(reading.errors)
    }

    /// The text with the environment's values written into it, so that it means the same elsewhere:
    /// reading the answer without an environment gives the same policy.
    ///
    /// - Throws: also when a value cannot stand where its variable stands, such as one with quotes in it.
    public static func resolved(text: String, name: String, environment: [String: String])
        throws(PolicyErrors) -> String
    {
        let policy = try read(text: text, name: name, environment: environment)
        let resolved = EnvironmentSubstitution(environment: environment).replacingWherePossible(in: text)
        guard (try? read(text: resolved, name: name)) == policy else {
            throw PolicyErrors([
                PolicyError(
                    file: name, line: 1, column: 1, field: "",
                    problem: "the value of an environment variable does not fit into the file",
                    remedy: "put \"${…}\" in double quotes and use values without quotes, backslashes and line breaks")
            ])
        }
        return resolved
    }

    private static let fields = [
        "products", "classes", "limits", "ladder", "downgrade", "cost_guard", "unpriced_models", "orphans", "outage",
        "alerts",
    ]

    private static func policy(from node: Node, _ reading: PolicyReading) -> Policy? {
        let root = PolicyValue(node: node, path: "", reading: reading)
        guard let fields = root.fields(of: "a policy", known: fields, required: ["products", "classes"]) else {
            return nil
        }
        let classes = fields["classes"].map(readClasses) ?? [:]
        // What has an error of its own still exists: it must not also be reported wherever it is named.
        let classNames = fields["classes"]?.node.mapping?.keys.compactMap(\.scalar?.string) ?? []
        let products = fields["products"].map { readProducts($0, classes: classNames) } ?? [:]
        let productNodes = fields["products"]?.node.mapping
        let productNames = productNodes?.keys.compactMap(\.scalar?.string) ?? []
        let resources = productNodes?.values.compactMap { $0.mapping?["resource"]?.scalar?.string } ?? []
        let ladder = fields["ladder"].flatMap(readLadder) ?? []
        let names = LimitNames(
            products: productNames, aliases: products.flatMap { entry in entry.value.aliases.map { ($0, entry.key) } },
            classes: classNames, resources: Set(products.values.compactMap(\.resource) + resources).sorted(),
            hasLadder: fields["ladder"] != nil)
        let limits = fields["limits"].map { readLimits($0, names) } ?? []
        var policy = Policy(products: products, classes: classes, limits: limits.map(\.limit), ladder: ladder)
        policy.downgrade =
            fields["downgrade"].flatMap { readDowngrade($0, hasLadder: fields["ladder"] != nil) } ?? .aliases
        policy.costGuard = fields["cost_guard"].flatMap(readCostGuard)
        policy.orphans = fields["orphans"].flatMap { $0.choice(Policy.Orphans.self) } ?? .observed
        policy.unpricedModels = fields["unpriced_models"].flatMap { $0.choice(Policy.UnpricedModels.self) } ?? .deny
        policy.outage = fields["outage"].flatMap(readOutage) ?? Policy.Outage()
        policy.alerts = fields["alerts"].flatMap(readAlerts) ?? Policy.Alerts()
        if let value = fields["limits"] { checkNumberOfLimits(policy, value) }
        return policy
    }
}
