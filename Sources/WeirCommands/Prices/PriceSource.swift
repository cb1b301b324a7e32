import ArgumentParser
import Foundation
import WeirAdmin
import WeirCore

/// A file of prices to add.
struct PriceSource: ParsableArguments {
    @Argument(help: "The JSON file of prices; - for stdin.")
    var file: String

    /// What the file says. Its rates are micro-dollars per million tokens: 3 dollars are 3000000.
    func read() throws -> [ModelPrice] {
        let data =
            file == "-"
            ? try FileHandle.standardInput.readToEnd() ?? Data() : FileManager.default.contents(atPath: file)
        guard let data else { throw SettingError(description: "cannot read \(file)") }
        do {
            return try JSONDecoder().decode(PriceRequest.self, from: data).models
        } catch let error as DecodingError {
            throw SettingError(description: "\(file): \(Self.sentence(error))\n\(Self.form)")
        }
    }

    private static func sentence(_ error: DecodingError) -> String {
        func place(_ context: DecodingError.Context) -> String {
            context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        }
        return switch error {
        case .keyNotFound(let key, let context): "\(place(context)): the field \"\(key.stringValue)\" is missing"
        case .dataCorrupted(let context):
            context.codingPath.isEmpty ? "this is not JSON" : "\(place(context)): \(context.debugDescription)"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            "\(place(context)): the value has the wrong type"
        @unknown default: "the file cannot be read"
        }
    }

    static let form = """
        It has to look like this, with rates in micro-dollars per million tokens (3 dollars are 3000000):
        {"models": [{
          "provider": "anthropic", "model": "claude-example-1", "aliases": [], "valid_from": "2026-11-21",
          "context_window": 200000, "max_output_tokens": 64000, "max_image_tokens": 5000,
          "price": {"input": 3000000, "cache_read": 300000, "cache_write_5m": 3750000, "cache_write_1h": 6000000,
                    "output": 15000000, "batch_percent": 50},
          "source": "our contract of 2026-11-01"}]}
        """
}
