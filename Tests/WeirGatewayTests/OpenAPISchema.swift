import Foundation
import Testing

/// The decision API's own document, and whether a JSON value is as one of its schemas says: the keywords that the document
/// uses, and an error for any other, so that none is passed over.
struct OpenAPISchema {
    let document: [String: Any]

    init(_ json: Data) throws {
        document = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
    }

    /// The schema of an answer to this method, path and status.
    func schema(_ method: String, _ path: String, _ status: Int) throws -> [String: Any] {
        var value: Any = document
        for key in [
            "paths", path, method.lowercased(), "responses", "\(status)", "content", "application/json", "schema",
        ] {
            value = try #require((value as? [String: Any])?[key], "\(method) \(path) \(status): no \(key)")
        }
        return try #require(value as? [String: Any])
    }

    /// What is wrong with the value; empty: nothing.
    func problems(_ value: Any, _ schema: [String: Any], at place: String = "$") -> [String] {
        if let reference = schema["$ref"] as? String {
            var target: Any? = document
            for key in reference.split(separator: "/").dropFirst() { target = (target as? [String: Any])?[String(key)] }
            guard let target = target as? [String: Any] else { return ["\(place): \(reference) is not there"] }
            return problems(value, target, at: place)
        }
        return schema.flatMap { problems(value, keyword: $0.key, $0.value, schema, at: place) }
    }

    private func problems(
        _ value: Any, keyword: String, _ rule: Any, _ schema: [String: Any], at place: String
    ) -> [String] {
        func bad(_ isBad: Bool) -> [String] { isBad ? ["\(place): \(value) is not \(keyword) \(rule)"] : [] }
        let object = value as? [String: Any]
        switch keyword {
        case "description", "default": return []
        case "format": return bad((try? Date(value as? String ?? "", strategy: .iso8601)) == nil)
        case "type": return bad(!Self.isOf(value, type: rule as? String ?? ""))
        case "enum": return bad(!(rule as? [String] ?? []).contains(value as? String ?? ""))
        case "const": return bad((rule as? Bool) != (value as? Bool))
        case "minimum": return bad((value as? Int ?? .min) < (rule as? Int ?? .max))
        case "maximum": return bad((value as? Int ?? .max) > (rule as? Int ?? .min))
        case "pattern":
            let text = value as? String ?? "\n"
            return bad(text.range(of: rule as? String ?? "", options: .regularExpression) == nil)
        case "required": return (rule as? [String] ?? []).flatMap { bad(object?[$0] == nil) }
        case "additionalProperties":
            let known = (schema["properties"] as? [String: Any] ?? [:]).keys
            return (object ?? [:]).keys.filter { !known.contains($0) }.map { "\(place): \($0) is not in the document" }
        case "properties":
            return (rule as? [String: [String: Any]] ?? [:]).flatMap { name, schema in
                (object?[name]).map { problems($0, schema, at: place + "." + name) } ?? []
            }
        case "items":
            return (value as? [Any] ?? []).flatMap {
                problems($0, rule as? [String: Any] ?? ["?": 0], at: place + "[]")
            }
        default: return ["\(place): the keyword \(keyword) is not checked here"]
        }
    }

    private static func isOf(_ value: Any, type: String) -> Bool {
        let isBool = (value as? NSNumber).map { CFBooleanLike.isBool($0) } ?? false
        switch type {
        case "object": return value is [String: Any]
        case "array": return value is [Any]
        case "string": return value is String
        case "integer": return value is Int && !isBool
        case "boolean": return isBool
        case "null": return value is NSNull
        default: return false
        }
    }
}

private enum CFBooleanLike {
    /// JSONSerialization gives numbers and booleans as the same class; a boolean is of type `c`.
    static func isBool(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
}
