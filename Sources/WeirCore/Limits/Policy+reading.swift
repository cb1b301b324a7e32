// Published policies outlive the version that applied them: one from before there was a field means what it meant then.

extension Policy {
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            version: try values.decode(Int.self, forKey: .version),
            products: try values.decode([String: Product].self, forKey: .products),
            classes: try values.decode([String: CallClass].self, forKey: .classes),
            limits: try values.decode([Limit].self, forKey: .limits),
            ladder: try values.decode([Rung].self, forKey: .ladder),
            downgrade: try values.decodeIfPresent(Downgrade.self, forKey: .downgrade) ?? .aliases,
            costGuard: try values.decodeIfPresent(CostGuard.self, forKey: .costGuard),
            unpricedModels: try values.decode(UnpricedModels.self, forKey: .unpricedModels),
            orphans: try values.decodeIfPresent(Orphans.self, forKey: .orphans) ?? .observed,
            outage: try values.decode(Outage.self, forKey: .outage),
            alerts: try values.decode(Alerts.self, forKey: .alerts))
    }
}

extension Policy.Product {
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            callClass: try values.decode(String.self, forKey: .callClass),
            billable: try values.decode(Bool.self, forKey: .billable),
            resource: try values.decodeIfPresent(String.self, forKey: .resource),
            aliases: try values.decode([String].self, forKey: .aliases),
            anonymous: try values.decodeIfPresent(Bool.self, forKey: .anonymous) ?? false,
            models: try values.decodeIfPresent([String].self, forKey: .models) ?? [],
            rewrite: try values.decodeIfPresent([String: String].self, forKey: .rewrite) ?? [:],
            outage: try values.decodeIfPresent(Policy.Outage.self, forKey: .outage),
            upstream: try values.decodeIfPresent(Policy.Upstream.self, forKey: .upstream))
    }
}

extension Limit {
    enum CodingKeys: String, CodingKey {
        case id, per, unit, span, match, amount, groupAmounts, groupRule, enforce, downgradeAt, reserve, clamp
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            id: try values.decode(String.self, forKey: .id), per: try values.decode(Per.self, forKey: .per),
            unit: try values.decode(Unit.self, forKey: .unit), span: try values.decode(Span.self, forKey: .span),
            match: try values.decode(Match.self, forKey: .match), amount: try values.decode(Int.self, forKey: .amount),
            groupAmounts: try values.decode([String: Int].self, forKey: .groupAmounts),
            groupRule: try values.decode(GroupRule.self, forKey: .groupRule),
            enforce: try values.decode(Enforcement.self, forKey: .enforce),
            downgradeAt: try values.decodeIfPresent(Int.self, forKey: .downgradeAt),
            reserve: try values.decodeIfPresent(Reserve.self, forKey: .reserve) ?? .full,
            clamp: try values.decodeIfPresent(Bool.self, forKey: .clamp) ?? false)
    }
}
