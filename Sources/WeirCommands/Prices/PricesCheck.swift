import ArgumentParser
import WeirCore
import WeirProviders

/// `weir prices check`.
struct PricesCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks a file of prices against the shipped table, without any server.",
        discussion: """
            Says what is wrong with it, or what it would change; exit code 1 if it cannot be added.

              weir prices check prices.json

            \(PriceSource.form.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n"))

            Optional: aliases, max_image_tokens, note, and in a price reasoning, batch_percent (what a batch call costs, in \
            percent) and tiers: [{"above_input_tokens": 200000, "rates": {…}}].
            """)

    @OptionGroup var source: PriceSource

    @OptionGroup var output: OutputOptions

    func run() throws {
        let report: Report
        do { report = try check() } catch { throw failure(error) }
        try report.print(output.form)
    }

    func check() throws -> Report {
        let models = try source.read()
        let shipped = try PriceHistory.shipped()
        var json = JSONWriter()
        json.beginObject()
        if let fault = shipped.fault(adding: models) {
            json.member("ok", false)
            json.member("error", fault.description)
            json.endObject()
            return Report(
                text: "\(source.file): \(fault)", json: String(decoding: json.bytes, as: UTF8.self), isSuccess: false)
        }
        json.member("ok", true)
        json.member("models", models.count)
        json.endObject()
        let lines = models.map { model in
            let before = shipped.table(on: model.validFrom ?? UTCDay(number: .max))
                .price(provider: model.provider, model: model.model)
            let was = before.map { "was \(PriceText.rates($0.price.base))" } ?? "new"
            return "  \(model.provider)/\(model.model) from \(model.validFrom?.id ?? "ever"): "
                + "\(PriceText.rates(model.price.base)) (\(was))"
        }
        return Report(
            text: (["\(source.file) is right; input/output in dollars per million tokens:"] + lines)
                .joined(separator: "\n"),
            json: String(decoding: json.bytes, as: UTF8.self))
    }
}

/// Prices as people read them.
enum PriceText {
    /// Dollars per million tokens of input and output: `3.00/15.00`.
    static func rates(_ rates: Price.Rates) -> String { "\(dollars(rates.input))/\(dollars(rates.output))" }

    static func dollars(_ micros: Int) -> String { MicroUSD(micros: micros).description }
}
