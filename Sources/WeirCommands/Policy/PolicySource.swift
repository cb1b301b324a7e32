import ArgumentParser
import Foundation
import WeirAdmin
import WeirCore

/// A policy file on disk, or on stdin.
struct PolicySource: ParsableArguments {
    @Argument(help: "The policy's YAML file; - for stdin.")
    var file: String

    /// The name for messages.
    var name: String { file == "-" ? "stdin" : file }

    func text() throws -> String { try Self.text(of: file) }

    static func text(of file: String) throws -> String {
        let data =
            file == "-"
            ? try FileHandle.standardInput.readToEnd() ?? Data() : FileManager.default.contents(atPath: file)
        guard let data else { throw SettingError(description: "cannot read \(file)") }
        guard let text = String(data: data, encoding: .utf8) else {
            throw SettingError(description: "\(file) is not written in UTF-8")
        }
        return text
    }
}

/// A policy file, or a version that was applied before.
struct OptionalPolicySource: ParsableArguments {
    @Argument(help: "The policy's YAML file; - for stdin.")
    var file: String?

    @Option(help: "Instead of a file: a version that was applied before.")
    var version: Int?

    func validate() throws {
        if (file == nil) == (version == nil) { throw ValidationError("Give a file or --version.") }
    }

    /// The policy's text, values of the environment put in, and its name for messages.
    func yaml(_ client: AdminClient) async throws -> (yaml: String, name: String) {
        if let file {
            let name = file == "-" ? "stdin" : file
            let text = try PolicySource.text(of: file)
            return (try PolicyFile.resolved(text: text, name: name, environment: Setting.environment), name)
        }
        // Its values were put in when it was applied.
        let answer = try await client.send(
            .get, ["policy"], query: [("version", version.map(String.init))], as: PolicyAnswer.self
        ).message
        return (answer.yaml, "version \(answer.version)")
    }
}
