import Hummingbird
import WeirCore
import WeirLedger

extension AdminRoutes {
    var priceRoutes: [AdminRoute] {
        [
            .get(
                "prices", "The prices in force on a day, and the others",
                [.init("day", .day, "The UTC day; today without it.")], answer: PriceList.self
            ) { request, context in try await listPrices(request, context) },
            .on(
                .post, "prices", role: .admin, "Add prices, for ever", body: .json(PriceRequest.self),
                answer: PricesAdded.self, status: .created
            ) { request, context in try await appendPrices(request, context) },
        ]
    }

    private func listPrices(_ request: Request, _ context: AdminContext) async throws -> Response {
        let day = context.query["day"].flatMap { UTCDay($0) } ?? UTCDay(containingMs: nowMs())
        return try await listAnswer(request, context, as: "prices", parts: 2) { _, place, limit in
            var list = try await priceList(on: day)
            let (models, next) = page(list.models, behind: place, limit) { [$0.provider, $0.model] }
            list.models = models
            return (list, next)
        }
    }

    func priceList(on day: UTCDay) async throws -> PriceList {
        let history = try await priceHistory()
        let table = history.table(on: day)
        let policy = try await policyInForce()
        let keys = try await ledger.keys(team: nil).map(\.record).filter(\.isActive)
        let named = (policy?.namedModels ?? []) + keys.flatMap(\.models)
        func sorted(_ models: [ModelPrice]) -> [ModelPrice] {
            models.sorted {
                ($0.provider, $0.model, $0.validFrom?.number ?? .min) < (
                    $1.provider, $1.model, $1.validFrom?.number ?? .min
                )
            }
        }
        // One in force has taken over the names of those before it, so it is known by the rest.
        func isInForce(_ model: ModelPrice) -> Bool {
            table.price(provider: model.provider, model: model.model).map {
                $0.validFrom == model.validFrom && $0.price == model.price && $0.source == model.source
            } ?? false
        }
        return PriceList(
            version: history.version, day: day.id, models: sorted(table.models),
            others: sorted(history.models.filter { !isInForce($0) }), unpricedModels: table.unpriced(named))
    }

    private func appendPrices(_ request: Request, _ context: AdminContext) async throws -> Response {
        let wanted = try await request.message(PriceRequest.self, upTo: configuration.largestBodyBytes)
        let note = try sentence(wanted.note, "note")
        if let fault = try await priceHistory().fault(adding: wanted.models) {
            throw AdminError(
                .invalidField, "nothing was added: \(fault)", hint: "weir prices check FILE names what is wrong")
        }
        let subject = wanted.models.map { "\($0.provider)/\($0.model)" }.joined(separator: " ")
        _ = try await ledger.appendPrices(
            wanted.models, audit: audit(context, "prices.add", String(subject.prefix(500)), reason: note))
        let version = try await priceHistory().version
        do {
            try await publication.publishPrices()
        } catch {
            throw notPublished(error, "version \(version) of the prices")
        }
        return try answer(PricesAdded(version: version, added: wanted.models.count), status: .created)
    }

    /// What ships, and what operators have added.
    func priceHistory() async throws -> PriceHistory { try prices.adding(await ledger.addedPrices()) }

    /// As the gateways charge today.
    func pricesToday() async throws -> PriceTable {
        try await priceHistory().table(on: UTCDay(containingMs: nowMs()))
    }
}
