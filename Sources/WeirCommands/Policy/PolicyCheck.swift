import ArgumentParser
import WeirCore
import WeirProviders

/// `weir policy check`.
struct PolicyCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks a policy file, without any server.",
        discussion: """
            Names every error with its file, line, column and field, and what would be right; exit code 1 if there is one.

              weir policy check deploy/policy.yaml
            """)

    @OptionGroup var source: PolicySource

    @OptionGroup var output: OutputOptions

    func run() throws {
        let report: Report
        do { report = try check() } catch { throw failure(error) }
        try report.print(output.form)
    }

    func check() throws -> Report {
        let text = try source.text()
        let policy: Policy
        do throws(PolicyErrors) {
            policy = try PolicyFile.read(text: text, name: source.name, environment: Setting.environment)
        } catch {
            return Self.report(error)
        }
        return Self.report(policy, name: source.name, unpriced: try Self.unpricedModels(policy))
    }

    /// Models of the ladder that have no price in the table that ships with Weir: nothing tells whose they are, so no call
    /// is ever handed down to them.
    private static func unpricedModels(_ policy: Policy) throws -> [String] {
        let prices = try PriceTable.shipped()
        return policy.ladder.map(\.model).filter { model in
            Dialect.allCases.allSatisfy { prices.price(provider: $0.rawValue, model: model) == nil }
        }
    }

    private static func report(_ policy: Policy, name: String, unpriced: [String]) -> Report {
        var json = JSONWriter()
        json.beginObject()
        json.member("ok", true)
        json.member("products", policy.products.count)
        json.member("limits", policy.limits.count)
        json.key("ladder_without_price")
        json.beginArray()
        for model in unpriced { json.string(model) }
        json.endArray()
        json.endObject()
        let warnings = unpriced.map { "\nladder: \($0) has no price here, so it serves no call; correct its name" }
        return Report(
            text: "\(name) is right: \(policy.products.count) products, \(policy.limits.count) limits"
                + warnings.joined(),
            json: String(decoding: json.bytes, as: UTF8.self))
    }

    private static func report(_ errors: PolicyErrors) -> Report {
        var json = JSONWriter()
        json.beginObject()
        json.member("ok", false)
        json.key("errors")
        json.beginArray()
        for error in errors.errors {
            json.beginObject()
            json.member("file", error.file)
            json.member("line", error.line)
            json.member("column", error.column)
            json.member("field", error.field)
            json.member("problem", error.problem)
            json.member("remedy", error.remedy)
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return Report(text: errors.description, json: String(decoding: json.bytes, as: UTF8.self), isSuccess: false)
    }
}
