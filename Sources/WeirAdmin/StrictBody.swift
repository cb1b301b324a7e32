import Hummingbird
import NIOCore
import WeirCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A request's message whose fields are all known: a misspelt field is an error, never silently ignored.
package protocol StrictMessage: Decodable {
    static var fields: [String] { get }
}

extension Request {
    /// The JSON body as a message.
    func message<Message: StrictMessage>(_: Message.Type, upTo largestBytes: Int) async throws -> Message {
        let type = headers[.contentType]?.split(separator: ";").first?.lowercased()
        guard type == "application/json" else {
            // A page of another site cannot send this type without the browser asking us first.
            throw AdminError(
                .unsupportedMediaType, "the body must be JSON", hint: "send content-type: application/json")
        }
        let bytes = Array(buffer: try await collected(upTo: largestBytes))
        try check(bytes, fields: Message.fields)
        do {
            return try JSONDecoder().decode(Message.self, from: Data(bytes))
        } catch let error as DecodingError {
            throw AdminError(
                .invalidField, sentence(for: error), hint: "fields: \(Message.fields.joined(separator: ", "))")
        }
    }

    func collected(upTo largestBytes: Int) async throws -> ByteBuffer {
        do {
            return try await body.collect(upTo: largestBytes)
        } catch is NIOTooManyBytesError {
            throw AdminError(.tooLarge, "the body is larger than \(largestBytes) bytes")
        }
    }
}

/// One JSON object, each of its fields known and given once.
private func check(_ bytes: [UInt8], fields: [String]) throws {
    var unknown: String?
    var twice: String?
    do throws(JSONError) {
        try JSONScanner.read(bytes) { (scanner) throws(JSONError) in
            var seen: Set<String> = []
            var members = try scanner.beginObject()
            while let key = try scanner.nextKey(&members) {
                if !fields.contains(key) { unknown = unknown ?? key }
                if !seen.insert(key).inserted { twice = twice ?? key }
                try scanner.skip()
            }
        }
    } catch {
        throw AdminError(.invalidRequest, "the body is not one JSON object: \(error.description)")
    }
    if let unknown {
        throw AdminError(
            .invalidField, "unknown field \"\(unknown.prefix(60))\"", hint: "use \(fields.joined(separator: ", "))")
    }
    if let twice { throw AdminError(.invalidField, "the field \"\(twice)\" is given twice", hint: "keep one") }
}

private func sentence(for error: DecodingError) -> String {
    func path(_ context: DecodingError.Context) -> String {
        context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    }
    return switch error {
    // The decoder does not say which field has a number that its type cannot hold.
    case .dataCorrupted(let context) where context.codingPath.isEmpty: "a number is not whole, or too large"
    case .keyNotFound(let key, _): "the field \"\(key.stringValue)\" is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
        "the field \"\(path(context))\" has the wrong type"
    @unknown default: "the body cannot be read"
    }
}

/// The parameters of a query, each known and given once.
func query(_ request: Request, known: [String]) throws -> [String: String] {
    var values: [String: String] = [:]
    for (name, value) in request.uri.queryParameters {
        let name = String(name)
        guard known.contains(name) else {
            throw AdminError(
                .invalidField, "unknown parameter \"\(name.prefix(60))\"", hint: "use \(known.joined(separator: ", "))")
        }
        guard values.updateValue(String(value), forKey: name) == nil else {
            throw AdminError(.invalidField, "the parameter \"\(name)\" is given twice", hint: "keep one")
        }
    }
    return values
}
