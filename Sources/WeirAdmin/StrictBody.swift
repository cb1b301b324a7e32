import Hummingbird
import NIOCore
import WeirCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A request's message whose fields are all known: a misspelt field is an error, never silently ignored.
package protocol StrictMessage: Decodable, Sendable {
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
            let (sentence, field) = sentence(for: error)
            throw AdminError(
                .invalidField, sentence, hint: "fields: \(Message.fields.joined(separator: ", "))", field: field)
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
            .invalidField, "unknown field \"\(unknown.prefix(60))\"", hint: "use \(fields.joined(separator: ", "))",
            field: String(unknown.prefix(60)))
    }
    if let twice {
        throw AdminError(.invalidField, "the field \"\(twice)\" is given twice", hint: "keep one", field: twice)
    }
}

private func sentence(for error: DecodingError) -> (sentence: String, field: String?) {
    func path(_ context: DecodingError.Context) -> String {
        context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    }
    switch error {
    // The decoder does not say which field has a number that its type cannot hold.
    case .dataCorrupted(let context) where context.codingPath.isEmpty:
        return ("a number is not whole, or too large", nil)
    case .keyNotFound(let key, _): return ("the field \"\(key.stringValue)\" is missing", key.stringValue)
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
        return ("the field \"\(path(context))\" has the wrong type", path(context))
    @unknown default: return ("the body cannot be read", nil)
    }
}

/// The parameters of a query, each known, right and given once.
func query(_ request: Request, _ parameters: [AdminParameter]) throws -> [String: String] {
    var values: [String: String] = [:]
    for (name, value) in request.uri.queryParameters {
        let name = String(name)
        guard let parameter = parameters.first(where: { $0.name == name }) else {
            throw AdminError(
                .invalidField, "unknown parameter \"\(name.prefix(60))\"",
                hint: parameters.isEmpty
                    ? "there are none" : "use \(parameters.map(\.name).joined(separator: ", "))",
                field: String(name.prefix(60)))
        }
        try parameter.check(String(value))
        guard values.updateValue(String(value), forKey: name) == nil else {
            throw AdminError(.invalidField, "the parameter \"\(name)\" is given twice", hint: "keep one", field: name)
        }
    }
    for parameter in parameters where parameter.isRequired && values[parameter.name] == nil {
        throw AdminError(
            .invalidField, "the parameter \"\(parameter.name)\" is missing", hint: parameter.about,
            field: parameter.name)
    }
    return values
}
