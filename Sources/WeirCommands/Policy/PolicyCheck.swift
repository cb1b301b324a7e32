import ArgumentParser
import WeirCore

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

    @Flag(help: "Answer in JSON.")
    var json = false

    func run() throws {
        let report: Report
        do { report = try check() } catch { throw failure(error) }
        try report.print(asJSON: json)
    }

    func check() throws -> Report {
        let text = try source.text()
        do throws(PolicyErrors) {
            let policy = try PolicyFile.read(text: text, name: source.name, environment: Setting.environment)
            return Self.report(policy, name: source.name)
        } catch {
            return Self.report(error)
        }
    }

    private static func report(_ policy: Policy, name: String) -> Report {
        var json = JSONWriter()
        json.beginObject()
        json.member("ok", true)
        json.member("products", policy.products.count)
        json.member("limits", policy.limits.count)
        json.endObject()
        return Report(
            text: "\(name) is right: \(policy.products.count) products, \(policy.limits.count) limits",
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
