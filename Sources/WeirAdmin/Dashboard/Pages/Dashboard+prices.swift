import WeirCore
import WeirLedger

extension Dashboard {
    /// What models cost on a day, and the prices that were replaced or are to come.
    func prices(_ visit: Visit) async throws -> Page {
        let asked = visit.query["day"]
        let day = try asked.map { text in
            guard let day = UTCDay(text) else {
                throw AdminError(.invalidField, "day is not a day", hint: "write it as 2026-11-21 (UTC)")
            }
            return day
        }
        let list = try await routes.priceList(on: day ?? visit.today)
        var page = Page("Prices", .prices, PageAddress(.prices, ["day": asked]))
        page.addHeading {
            el(
                "p", .css("muted"),
                text: "Version \(list.version), in force on \(list.day). Dollars per million tokens.")
        }
        page.add(
            el("form", .at(.method, "get"), .action(PageAddress(.prices)), .at(.role, "search")) {
                el("div", .css("fields")) {
                    el("label") {
                        "In force on (UTC day)"
                        void("input", .at(.type, "date"), .at(.name, "day"), .at(.value, list.day))
                    }
                    el("div") { el("button", text: "Show") }
                }
            })
        if !list.unpricedModels.isEmpty {
            page.add(
                el("div", .css("notice warning")) {
                    el("p") {
                        "Without a price, though policy or keys name them: "
                        list.unpricedModels.joined(separator: ", ")
                        ". Add them with "
                        el("code", text: "weir prices add")
                        "."
                    }
                })
        }
        page.add(
            Self.priceTable(
                "prices", "In force on \(list.day)", list.models, whenEmpty: "No model has a price that day."))
        page.add(
            Self.priceTable(
                "other-prices", "Replaced, or to come", list.others,
                whenEmpty: "No price was replaced, and none is to come."))
        return page
    }

    private static func priceTable(
        _ id: String, _ caption: String, _ models: [ModelPrice], whenEmpty: String
    ) -> DataTable {
        var table = DataTable(
            id, caption,
            [
                .text("Provider", "provider"), .text("Model", "model"), .text("From (UTC day)", "valid_from"),
                .number("Input", "input_usd_per_million"), .number("Cache read", "cache_read_usd_per_million"),
                .number("Write, 5 min", "cache_write_5m_usd_per_million"),
                .number("Write, 1 h", "cache_write_1h_usd_per_million"),
                .number("Output", "output_usd_per_million"), .text("Dearer above", "tiers_above_input_tokens"),
                .text("Batch", "batch_percent"), .export("source"),
            ], whenEmpty: HTML(whenEmpty))
        table.rows = models.map { model in
            let rates = model.price.base
            let tiers = model.price.tiers.map { Format.count($0.aboveInputTokens) }.joined(separator: " ")
            return [
                .text(model.provider), .text(model.model), .text(model.validFrom?.id), .money(rates.input),
                .money(rates.cacheRead), .money(rates.cacheWrite5m), .money(rates.cacheWrite1h), .money(rates.output),
                .text(tiers.isEmpty ? nil : tiers), .text(model.price.batchPercent.map { "\($0) %" }),
                .text(model.source),
            ]
        }
        return table
    }
}
