import Yams

extension PolicyFile {
    /// Models from dearest to cheapest, each a name or `{ model: …, tier: … }`.
    static func readLadder(_ value: PolicyValue) -> [Policy.Rung]? {
        guard let elements = value.elements() else { return nil }
        if elements.isEmpty { value.report("is an empty list", "name at least one model, or leave ladder out") }
        if elements.count > Policy.mostRungs {
            value.report("has \(elements.count) models", "a ladder has at most \(Policy.mostRungs)")
        }
        var rungs: [Policy.Rung] = []
        for element in elements {
            guard let rung = readRung(element) else { continue }
            if rungs.contains(where: { $0.model == rung.model }) {
                element.report("\(rung.model) is named twice", "name it once")
            } else {
                rungs.append(rung)
            }
        }
        return rungs
    }

    private static func readRung(_ value: PolicyValue) -> Policy.Rung? {
        guard value.node.mapping != nil else { return value.word("a model").map { Policy.Rung(model: $0) } }
        guard let fields = value.fields(of: "a rung", known: ["model", "tier"], required: ["model"]) else { return nil }
        let model = fields["model"].flatMap { $0.word("a model") }
        let tier = fields["tier"].map { $0.identifier("a tier") }
        guard let model, tier != .some(nil) else { return nil }
        return Policy.Rung(model: model, tier: tier ?? nil)
    }

    static func readDowngrade(_ value: PolicyValue, hasLadder: Bool) -> Policy.Downgrade? {
        if !hasLadder { value.report("there is no ladder of models", "give ladder: [dearest, …, cheapest]") }
        return value.choice(Policy.Downgrade.self)
    }
}
