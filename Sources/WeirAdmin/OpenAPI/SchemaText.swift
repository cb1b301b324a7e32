import WeirCore
import WeirLedger

/// JSON Schemas of messages and parameters (2020-12, as OpenAPI 3.1 takes them).
enum SchemaText {
    static let id: JSONTree = ["type": "string", "pattern": "^[A-Za-z0-9._@:-]{1,128}$"]
    private static let sentence: JSONTree = ["type": "string", "maxLength": 100, "pattern": "^[^\\x00-\\x1f\\x7f]*$"]
    private static let time: JSONTree = ["type": "string", "format": "date-time"]
    private static let day: JSONTree = ["type": "string", "format": "date"]
    private static let money: JSONTree = [
        "type": "string", "pattern": "^-?[0-9]+\\.[0-9]{2,6}$", "description": "US dollars, exactly",
    ]

    /// What a message may be.
    /// - Parameter isRequest: stricter, since it says what is accepted: unknown fields are not.
    static func of(_ schema: MessageSchema, isRequest: Bool) -> JSONTree {
        switch schema {
        case .string: ["type": "string"]
        case .integer: ["type": "integer"]
        case .boolean: ["type": "boolean"]
        case .any: [:]
        case .array(let element): ["type": "array", "items": of(element, isRequest: isRequest)]
        case .map(let value): ["type": "object", "additionalProperties": of(value, isRequest: isRequest)]
        case .object(let fields):
            [
                "type": "object", "additionalProperties": false,
                "required": .array(fields.filter(\.isRequired).map { .text($0.name) }),
                "properties": .object(fields.map { ($0.name, field($0, isRequest: isRequest)) }),
            ]
        }
    }

    /// A field: by its type, and by what its name means wherever it stands.
    private static func field(_ field: MessageSchema.Field, isRequest: Bool) -> JSONTree {
        if field.schema == .string {
            if field.name == "at" || field.name.hasSuffix("_at") { return time }
            if field.name.hasSuffix("_usd") { return money }
            if isRequest, let rule = rules[field.name] { return rule }
        }
        if isRequest, let rule = numbers[field.name], field.schema == .integer { return rule }
        if isRequest, field.schema == .array(.string) {
            return ["type": "array", "maxItems": 64, "uniqueItems": true, "items": id]
        }
        return of(field.schema, isRequest: isRequest)
    }

    /// What texts of requests may be.
    private static let rules: [String: JSONTree] = [
        "team": id, "user": id, "name": id, "reason": sentence, "note": sentence, "from": day, "to": day,
        "role": ["type": "string", "enum": .array(AdminRole.allCases.map { .text($0.rawValue) })],
        "scope": ["type": "string", "description": "global, class:NAME, product:NAME, team:ID or model:NAME"],
        "subject": ["type": "string", "description": "as denials name it: user:acme/alice, team:acme, global"],
    ]

    private static let numbers: [String: JSONTree] = [
        "amount": [
            "type": ["integer", "null"], "minimum": 0, "maximum": .number(Int.largestExact),
            "description": "in the limit's unit, micro-dollars for usd; 0: unlimited; null: unset",
        ],
        "overlap_seconds": [
            "type": "integer", "minimum": 0, "maximum": .number(RotateRequest.longestOverlapSeconds),
        ],
        "until": ["type": "integer", "description": "unix seconds"],
    ]

    static func of(_ kind: AdminParameter.Kind) -> JSONTree {
        switch kind {
        case .id: id
        case .text: sentence
        case .day: day
        case .time: time
        case .integer(let range):
            ["type": "integer", "minimum": .number(range.lowerBound), "maximum": .number(range.upperBound)]
        case .oneOf(let words): ["type": "string", "enum": .array(words.map(JSONTree.text))]
        }
    }
}
