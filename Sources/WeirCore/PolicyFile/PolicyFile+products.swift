extension PolicyFile {
    static func readClasses(_ value: PolicyValue) -> [String: Policy.CallClass] {
        var classes: [String: Policy.CallClass] = [:]
        for entry in value.entries(of: "classes") ?? [] {
            let name = entry.identifier("a class")
            guard let fields = entry.value.fields(of: "a class", known: ["kill_switch"]) else { continue }
            let isStopped = fields["kill_switch"].map { $0.flag() } ?? true
            if let name, let isStopped { classes[name] = Policy.CallClass(killSwitch: isStopped) }
        }
        return classes
    }

    /// Names that are paths of the gateway itself.
    private static let reservedNames: Set = ["v1", "v1beta", "quota", "healthz", "readyz", "metrics"]

    static func readProducts(_ value: PolicyValue, classes: [String]) -> [String: Policy.Product] {
        guard let entries = value.entries(of: "products") else { return [:] }
        if entries.isEmpty { value.report("is empty", "name at least one product") }
        var products: [String: Policy.Product] = [:]
        var aliasOwners: [String: String] = [:]
        for entry in entries {
            let name = entry.identifier("a product")
            if reservedNames.contains(entry.name) {
                value.reading.report(
                    entry.place, entry.value.path, "\(entry.name) is a path of the gateway", "choose another name")
            }
            guard let product = readProduct(entry.value, classes: classes) else { continue }
            for alias in product.aliases {
                let owner = aliasOwners[alias] ?? (entries.contains { $0.name == alias } ? alias : nil)
                if let owner {
                    entry.value.report("the alias \(alias) already means \(owner)", "choose another alias")
                } else if reservedNames.contains(alias) {
                    entry.value.report("the alias \(alias) is a path of the gateway", "choose another alias")
                }
                aliasOwners[alias] = aliasOwners[alias] ?? entry.name
            }
            if let name { products[name] = product }
        }
        return products
    }

    private static func readProduct(_ value: PolicyValue, classes: [String]) -> Policy.Product? {
        let known = [
            "class", "billable", "resource", "aliases", "anonymous", "models", "rewrite", "outage", "upstream",
        ]
        guard let fields = value.fields(of: "a product", known: known, required: ["class"]) else { return nil }
        let callClass = fields["class"].flatMap { $0.name(of: "class", among: classes) }
        let isBillable = fields["billable"].map { $0.flag() } ?? false
        let resource = fields["resource"].flatMap { $0.identifier("a resource") }
        if let field = fields["resource"], isBillable == false {
            field.report("only billable calls draw on a resource", "set billable: true, or leave resource out")
        }
        let isAnonymous = fields["anonymous"].map { $0.flag() } ?? false
        if isAnonymous == true, isBillable == true {
            fields["anonymous"]?.report(
                "a billable call without a team is denied, never free", "set billable: false, or leave anonymous out")
        }
        var aliases: [String] = []
        for alias in fields["aliases"]?.elements() ?? [] {
            if let name = alias.identifier("an alias") { aliases.append(name) }
        }
        let models = fields["models"].flatMap { $0.words("a model") } ?? []
        let rewrite = fields["rewrite"].flatMap { readRewrite($0, models: models) } ?? [:]
        let outage = fields["outage"].flatMap(readOutage)
        let upstream = fields["upstream"].flatMap { readUpstream($0) }
        guard let callClass, let isBillable, let isAnonymous else { return nil }
        return Policy.Product(
            callClass: callClass, billable: isBillable, resource: resource, aliases: aliases, anonymous: isAnonymous,
            models: models, rewrite: rewrite, outage: outage, upstream: upstream)
    }

    /// Model asked for → model that takes its place. Nothing is rewritten twice, so a chain is a mistake.
    private static func readRewrite(_ value: PolicyValue, models: [String]) -> [String: String]? {
        guard let entries = value.entries(of: "rewrite") else { return nil }
        var rewrite: [String: String] = [:]
        for entry in entries {
            guard let model = entry.value.word("a model") else { continue }
            if entry.name != "*", entries.contains(where: { $0.name == model && $0.name != entry.name }) {
                entry.value.report("\(model) is rewritten itself", "name the model that serves in the end")
            }
            let isAlias = model == "auto" || model.hasPrefix("tier:")
            if !models.isEmpty, !isAlias, !models.contains(model) {
                entry.value.report("\(model) is not among the product's models", "add it to models")
            }
            rewrite[entry.name] = model
        }
        return rewrite
    }
}

extension PolicyValue {
    /// The name of something that the file defines elsewhere.
    func name(of what: String, among defined: [String]) -> String? {
        guard let text = text(expecting: "name a \(what)") else { return nil }
        guard defined.contains(text) else {
            report("there is no \(what) \(quoted(text))", advice(for: text, among: defined))
            return nil
        }
        return text
    }

    /// A list of such names.
    func names(of what: String, among defined: [String]) -> [String]? {
        guard let elements = elements() else { return nil }
        if elements.isEmpty { report("is an empty list", "name at least one, or leave the field out") }
        var names: [String] = []
        for element in elements {
            guard let name = element.name(of: what, among: defined) else { continue }
            if names.contains(name) {
                element.report("\(name) is named twice", "name it once")
            } else {
                names.append(name)
            }
        }
        return names
    }
}
