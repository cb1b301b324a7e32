import ArgumentParser
import Foundation
import WeirCore

/// A policy file on disk, or on stdin.
struct PolicySource: ParsableArguments {
    @Argument(help: "The policy's YAML file; - for stdin.")
    var file: String

    /// The name for messages.
    var name: String { file == "-" ? "stdin" : file }

    func text() throws -> String {
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
