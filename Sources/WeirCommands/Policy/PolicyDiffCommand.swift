import ArgumentParser
import Foundation
import WeirAdmin
import WeirCore

/// `weir policy diff`.
struct PolicyDiffCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Shows what a policy file, or an older version, would change.",
        discussion: """
            Compares with the policy in force: what would be added (+), removed (-) and changed (~), each field with what it \
            is and what it would be. The values of ${NAME} come from the environment of this command. Changes nothing.

              weir policy diff deploy/policy.yaml
              weir policy diff --version 3
            """)

    @OptionGroup var source: OptionalPolicySource

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        let current = try await client.send(.get, ["policy"], as: PolicyAnswer.self).message
        let (yaml, name) = try await source.yaml(client)
        let diff = try PolicyDiff(from: current.policy, to: PolicyFile.read(text: yaml, name: name))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json = String(decoding: try encoder.encode(diff), as: UTF8.self)
        guard !diff.isEmpty else {
            return Report(text: "\(name) changes nothing of version \(current.version)", json: json)
        }
        return Report(
            text: (["version \(current.version) → \(name)"] + diff.changes.flatMap(Self.lines)).joined(separator: "\n"),
            json: json)
    }

    static func lines(_ change: PolicyDiff.Change) -> [String] {
        let mark =
            switch change.kind {
            case .added: "+"
            case .removed: "-"
            case .changed: "~"
            }
        let head = "\(mark) \(change.item)" + (change.name.map { " \($0)" } ?? "")
        return [head]
            + change.fields.map { field in
                switch change.kind {
                case .added: "    \(field.name): \(field.new ?? "")"
                case .removed: "    \(field.name): \(field.old ?? "")"
                case .changed: "    \(field.name): \(field.old ?? "(none)") → \(field.new ?? "(none)")"
                }
            }
    }
}
